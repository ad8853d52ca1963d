import type { Envelope } from "@arcp/core";
import { at, parseJsonObject } from "../json-object.ts";
import type { RequirementId } from "../manifest/manifest.ts";
import { Delivery } from "./delivery.ts";
import { checkEnvelope } from "./envelope-form.ts";
import { checkFeatureUse } from "./feature-use.ts";
import { HeartbeatRecord } from "./heartbeat-record.ts";
import { checkWelcome, type Opening, readOpening } from "./opening.ts";
import { SessionRecord } from "./session-record.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report, Sender, Violation } from "./violation.ts";

/**
 * Watches both directions of one connection and records whatever a good peer of the `draft` profile would not have sent. It is as
 * strict as core's decoder is lenient. What belongs to the session rather than to the connection is in a {@link SessionRecord},
 * which the sniffer of the next connection takes over.
 */
export class Sniffer {
  readonly #violations: Violation[] = [];
  readonly #waived: ReadonlySet<RequirementId>;
  readonly #heartbeats = new HeartbeatRecord();
  readonly #resumed: SessionRecord | undefined;
  #session: SessionRecord | undefined;
  /** The opening request, while it has no reply. */
  #opening: Opening | undefined;
  #delivery = new Delivery(undefined);
  /** Faulty frames whose id nobody could read: each may be refused without a `request_id`. */
  #unreadable = 0;
  /** The runtime's last message, once it was sent. */
  #lastWord: string | undefined;

  /**
   * @param options.resumes the session that this connection is about to resume
   * @param options.waive requirements whose violations are ignored, for peers that are known to differ
   */
  constructor(options: { resumes?: SessionRecord; waive?: readonly RequirementId[] } = {}) {
    this.#resumed = options.resumes;
    this.#waived = new Set(options.waive);
  }

  /** The violations found so far, in the order in which they were seen. */
  get violations(): readonly Violation[] {
    return this.#violations;
  }

  /** The session of this connection; undefined before its welcome. */
  get session(): SessionRecord | undefined {
    return this.#session;
  }

  /** Watches a frame of the client. */
  sent(frame: string): void {
    const report = this.#reporter("client", frame);
    const sniffed = checkEnvelope(frame, "client", report);
    if (sniffed === undefined) return;
    const { message } = sniffed;
    if (message.type === "session.hello" || message.type === "session.resume") {
      if (message.type === "session.hello" && this.#session !== undefined) {
        report("R-6.2-9", "a session gets one hello");
      }
      this.#opening = readOpening(message);
      return;
    }
    if (this.#session === undefined) {
      report("R-5.3-2", `${message.type} was sent before the welcome`);
      return;
    }
    this.#checkSession(sniffed, this.#session, "client", report);
    if (message.type === "session.ping") this.#heartbeats.ping(message.payload.nonce, "client");
    else if (message.type === "session.pong") this.#heartbeats.pong(message, "client", report);
    else this.#session.requests.sent(message);
  }

  /** Records a frame that breaks the rules on purpose, so that its refusal is expected. */
  sentFaulty(frame: string): void {
    const raw = parseJsonObject(frame);
    const { id, type } = raw ?? {};
    const nonce = at(raw, "payload.nonce");
    // A ping that was not agreed on is answered too (R-6.4-2).
    if (type === "session.ping" && typeof nonce === "string") {
      this.#heartbeats.ping(nonce, "client");
    }
    if (typeof id !== "string" || id === "" || id.length > 128) {
      this.#unreadable += 1;
    } else if (this.#session !== undefined) {
      this.#session.requests.sentFaulty(id, typeof type === "string" ? type : "");
    } else {
      this.#opening = { id, offered: undefined, resume: undefined };
    }
  }

  /**
   * Watches a frame of the runtime.
   *
   * @returns its envelope; undefined if it cannot be decoded
   */
  received(frame: string): Envelope | undefined {
    const report = this.#reporter("runtime", frame);
    if (this.#lastWord !== undefined) {
      report("R-12-5", `the runtime's last word was ${this.#lastWord}`);
    }
    const sniffed = checkEnvelope(frame, "runtime", report);
    if (sniffed === undefined) return undefined;
    const { message } = sniffed;
    if (message.type === "session.welcome") {
      this.#welcome(message, report);
    } else if (this.#session === undefined) {
      if (message.type === "session.error") this.#lastWord = message.type;
      else {
        const rule = this.#opening?.resume === undefined ? "R-6.2-1" : "R-6.3-6";
        report(rule, `${message.type} was sent before the welcome`);
      }
    } else {
      this.#checkSession(sniffed, this.#session, "runtime", report);
      this.#dispatch(sniffed, this.#session, report);
    }
    return message;
  }

  #welcome(message: Envelope<"session.welcome">, report: Report): void {
    const opening = this.#opening;
    this.#opening = undefined;
    const { session_id: id } = message;
    if (id === undefined) {
      report("R-5.1-4", "session.welcome lacks session_id");
      return;
    }
    if (opening === undefined) {
      report("R-6.2-1", "nobody asked for a welcome");
      return;
    }
    const known = this.#resumed?.id === id ? this.#resumed : undefined;
    checkWelcome(message, opening, known, report);
    if (opening.resume === undefined) {
      if (known !== undefined) report("R-6.2-1", "a plain hello opens a new session");
    } else {
      const asked = opening.resume.sessionId ?? this.#resumed?.id;
      if (asked !== undefined && asked !== id) {
        // A hello whose resume is ignored opens a session of its own.
        const rule = opening.resume.inHello ? "R-6.3-1" : "R-6.3-6";
        report(rule, `the resumed session is ${asked}`);
      }
    }
    const session = known ?? new SessionRecord(id, message.payload.capabilities.features ?? []);
    session.tokens.add(message.payload.resume_token);
    session.requests.reconnected();
    this.#session = session;
    this.#delivery = new Delivery(opening.resume?.lastEventSeq);
  }

  #checkSession(frame: SniffedFrame, session: SessionRecord, sender: Sender, report: Report): void {
    const { raw, message } = frame;
    if (raw.session_id !== session.id) {
      report("R-5.1-4", `session_id is ${JSON.stringify(raw.session_id)}`);
    }
    if (message.event_seq === undefined) session.ids[sender].check(frame, report);
    checkFeatureUse(frame, sender, session.features, report);
  }

  #dispatch(frame: SniffedFrame, session: SessionRecord, report: Report): void {
    const { message } = frame;
    switch (message.type) {
      case "session.ping":
        this.#heartbeats.ping(message.payload.nonce, "runtime");
        break;
      case "session.pong":
        this.#heartbeats.pong(message, "runtime", report);
        break;
      case "session.error":
        this.#error(message, session, report);
        break;
      case "session.bye":
        this.#lastWord = message.type;
        break;
      case "session.closed":
        this.#lastWord = message.type;
        session.requests.granted(message, report);
        break;
      case "job.accepted":
        this.#delivery.accepted(message, session, report);
        break;
      case "job.subscribed":
        this.#delivery.subscribed(message, session, report);
        break;
      case "session.jobs":
      case "job.cancelled":
        session.requests.granted(message, report);
        break;
      case "job.event":
      case "job.result":
      case "job.error":
        this.#delivery.deliver(frame, session, report);
        break;
    }
  }

  #error(message: Envelope<"session.error">, session: SessionRecord, report: Report): void {
    const { request_id: id } = message.payload;
    if (id !== undefined && id === this.#opening?.id) {
      this.#lastWord = message.type;
    } else if (id !== undefined) {
      session.requests.refused(message, id, report);
    } else if (this.#unreadable > 0) {
      this.#unreadable -= 1;
    } else {
      this.#lastWord = message.type;
    }
  }

  #reporter(sender: Sender, frame: string): Report {
    return (rule, message) => {
      if (!this.#waived.has(rule)) this.#violations.push({ rule, message, sender, frame });
    };
  }
}
