import assert from "node:assert/strict";
import { parseJsonObject } from "../../src/json-object.ts";
import { assertClear } from "../clear-error.ts";
import type { Message } from "../raw-socket.ts";
import { Answers } from "./answers.ts";
import { Breach } from "./breach.ts";
import type { Ledger, Watched } from "./ledger.ts";
import { principals, tokens } from "./message.ts";
import { SentFrame } from "./sent-frame.ts";
import type { SessionRecord } from "./session-record.ts";

/** Why a connection may end without a word of the runtime. */
interface Ends {
  /** The client has cut it, or said that it is done. */
  self: boolean;
  /** It has sent what ends it, with these codes. */
  readonly codes: Set<number>;
  /** Part of a frame: nobody knows what the rest will be taken for. */
  torn: boolean;
  /** It has not read for a while. */
  stalled: boolean;
}

/**
 * One connection as an independent observer judges it: what was sent, what came, and whether that fits. It knows
 * nothing of the runtime's code, and expects the forms of the `draft` profile.
 */
export class Conversation {
  readonly frames: string[] = [];
  /** What came, in short. */
  readonly outcomes: string[] = [];
  readonly ends: Ends = { self: false, codes: new Set(), torn: false, stalled: false };
  readonly answers: Answers;
  session: SessionRecord | undefined;
  /** Nothing stands in the way of the resume that it asks for. */
  mustResume = false;
  cursor: string | undefined;
  /** What was sent, ids included that may be told back. */
  #said = "";
  #opening: SentFrame | undefined;
  /** Resumes behind the opening that were not refused: each may move the connection. */
  readonly #moves: SentFrame[] = [];
  #sessions = 0;
  #next = 0;
  #refused = false;
  #code: number | undefined;
  readonly #ledger: Ledger;
  readonly #hasTakeovers: () => boolean;

  /** @param hasTakeovers whether some client has asked to resume a session */
  constructor(ledger: Ledger, hasTakeovers: () => boolean) {
    this.#ledger = ledger;
    this.#hasTakeovers = hasTakeovers;
    ledger.conversations.push(this);
    this.answers = new Answers(() => this.#kin(this.session).map(({ answers }) => answers));
  }

  /** It waits for nothing that could change the tokens of a session. */
  get isDecided(): boolean {
    return this.session !== undefined || this.#refused || this.#opening === undefined;
  }

  get open(): boolean {
    return this.#code === undefined;
  }

  get code(): number | undefined {
    return this.#code;
  }

  /** Whose token it presented, right or wrong. */
  get principal(): string | undefined {
    const auth = this.#opening?.payload["auth"];
    const { scheme, token } = (auth ?? {}) as { scheme?: unknown; token?: unknown };
    if (scheme !== "bearer") return undefined;
    return typeof token === "string" && Object.hasOwn(principals, token)
      ? principals[token]
      : undefined;
  }

  sent(text: string): void {
    this.frames.push(`> ${text}`);
    this.#said += `${text}\n`;
    const frame = new SentFrame(text);
    if (this.#opening === undefined) this.#opening = frame;
    else if (frame.type === "session.resume") this.#moves.push(frame);
    this.answers.sent(frame);
  }

  received(text: string): void {
    this.frames.push(`< ${text}`);
    const message: Message | undefined = parseJsonObject(text);
    if (
      message?.["arcp"] !== "1.1" ||
      typeof message["id"] !== "string" ||
      typeof message["payload"] !== "object"
    ) {
      throw new Breach("R-5.1-1", `no envelope: ${text}`);
    }
    this.outcomes.push(message["payload"].code ?? message["type"]);
    if (this.#refused) throw new Breach("R-12-5", `something follows the last word: ${text}`);
    const { type } = message;
    if (type === "session.error") this.#checkError(message);
    if (type === "session.welcome") return this.#welcome(message);
    if (this.session === undefined) return this.#refusal(message);
    const { principal, id } = this.session;
    this.#ledger.show(
      principal,
      text,
      (telltale) => type === "session.error" && this.#isToldBack(telltale),
    );
    if (message["session_id"] !== id) {
      throw new Breach("R-5.1-4", `not of the session ${id}: ${text}`);
    }
    if (message["event_seq"] !== undefined) this.#stream(message, text, this.session);
    else this.#answer(message, this.session);
  }

  closed(code: number): void {
    this.frames.push(`< closed with ${code}`);
    this.outcomes.push(`closed with ${code}`);
    this.#code = code;
    const { self, codes, torn, stalled } = this.ends;
    if (self || torn || codes.has(code) || this.#refused) return;
    // Whoever takes nothing cannot be told; in memory it learns the code all the same.
    if (stalled && (code === 1006 || code === 1001)) return;
    const last = this.frames.findLast((frame) => frame.startsWith("< {")) ?? "";
    if (/"type":"session\.(error|closed)"/.test(last)) return;
    if (code === 1000 && this.answers.hasFarewell) return;
    if (code === 1008 && this.#hasTakeovers()) return;
    throw new Breach("R-4.1-11", `closed with ${code} without a word`);
  }

  /** What it still waits for, in words; undefined when there is nothing. */
  get waitsFor(): string | undefined {
    if (!this.open || this.ends.torn) return undefined;
    if (this.ends.self) return "the end that was asked for";
    if (this.ends.codes.size > 0) return `an end with ${[...this.ends.codes]}`;
    if (this.#opening === undefined) return undefined;
    if (this.session === undefined) return "the answer to the opening request";
    // The answer to a move is another welcome, or an end.
    return this.answers.missing(this.#sessions > 1 ? undefined : this.session.id);
  }

  hasSaid(text: string): boolean {
    return this.#said.includes(text);
  }

  /** The other connections that have this session, or may have had it. */
  #kin(session: SessionRecord | undefined): readonly Watched[] {
    return this.#ledger.conversations.filter(
      (other) => other !== this && (other.session ?? session) === session,
    );
  }

  /** Whether this client has said it itself, be it on a connection before: what was under way there is refused here. */
  #isToldBack(telltale: string): boolean {
    const before = this.#kin(this.session).filter(({ principal }) => principal === this.principal);
    return [this, ...before].some((one) => one.hasSaid(telltale));
  }

  #checkError({ payload }: Message): void {
    try {
      assertClear(payload, Object.values(tokens));
    } catch (error) {
      throw new Breach("R-5.3-6", `${(error as Error).message} in ${JSON.stringify(payload)}`);
    }
    const { job_id: job, code } = payload;
    const owner = typeof job === "string" ? this.#ledger.ownerOf(job) : undefined;
    const stranger =
      owner !== undefined && this.session !== undefined && owner !== this.session.principal;
    if (stranger && !/^(JOB_NOT_FOUND|INVALID_REQUEST|INTERNAL_ERROR)$/.test(code)) {
      throw new Breach("R-7.6-2", `${code} for a job of somebody else: ${JSON.stringify(payload)}`);
    }
  }

  #refusal({ type, payload }: Message): void {
    if (this.#opening === undefined) {
      // It waited in vain for one.
      if (type !== "session.error") throw new Breach("R-6.2-1", `${type} without being asked`);
    } else if (type !== "session.error") {
      throw new Breach("R-6.2-1", `${type} before the welcome`);
    }
    const { request_id: id } = payload;
    if (this.mustResume) throw new Breach("R-6.3-9", `refused: ${JSON.stringify(payload)}`);
    if (id !== undefined && id !== this.#opening?.id) {
      throw new Breach("R-5.4-1", `the refusal names ${id}, not ${this.#opening?.id}`);
    }
    this.#refused = true;
  }

  #welcome({ session_id: id, payload }: Message): void {
    const request = this.#sessions === 0 ? this.#opening : this.#moves.shift();
    if (!request?.opens) throw new Breach("R-5.3-2", "a welcome that nobody asked for");
    const { principal } = this;
    if (principal === undefined) throw new Breach("R-6.1-2", "a welcome without a valid token");
    const { resume_token: token, capabilities } = payload;
    const after = positionIn(request);
    const isNew = !this.#ledger.sessions.has(id);
    if (after === undefined && !isNew) throw new Breach("R-6.2-1", `a hello got ${id} once more`);
    if (after !== undefined && isNew) {
      // Its first welcome got lost on another connection; only the position can show that.
      if (after > 0) throw new Breach("R-6.3-10", `${id} was never at ${after}`);
    }
    if (this.#ledger.ownerOf(token) !== undefined) {
      throw new Breach("R-6.2-10", "a resume token was given twice");
    }
    this.#ledger.own(token, principal);
    const session = this.#ledger.session(id, principal);
    session.welcomed(token, capabilities.features);
    if (after !== undefined) {
      // It may not have been told of what it follows: the word was said to another connection.
      if (this.#kin(session).some(({ answers }) => answers.isVague)) session.isVague = true;
      session.resumed(after);
    }
    this.session = session;
    this.#sessions += 1;
    this.#next = (after ?? 0) + 1;
    this.answers.welcomed(request);
  }

  #stream(message: Message, text: string, session: SessionRecord): void {
    const { event_seq: seq, job_id: job, type } = message;
    if (seq !== this.#next) throw new Breach("R-8.3-1", `number ${seq} instead of ${this.#next}`);
    this.#next += 1;
    if (!/^job\.(event|result|error)$/.test(type)) {
      throw new Breach("R-5.1-6", `${type} has a number`);
    }
    session.stream(message, text);
    this.#ledger.job(job, session.principal).saw(message);
  }

  #answer(message: Message, session: SessionRecord): void {
    const { type, job_id: job, payload } = message;
    if (type === "session.jobs") this.cursor = payload.next_cursor ?? this.cursor;
    const refused = this.#moves.findIndex(({ id }) => id === payload.request_id);
    if (refused >= 0) this.#moves.splice(refused, 1);
    const repeated = this.answers.received(message);
    if (type === "job.accepted" || type === "job.subscribed") {
      assert.equal(job, payload.job_id, "R-5.1-4: two jobs in one message");
      this.#ledger.job(job, session.principal);
      if (!repeated) session.startAgain(job);
    }
    if (type === "session.closed") this.#refused = true;
  }
}

/** Where a resume wants to go on; undefined when the request is none. */
function positionIn(request: SentFrame): number | undefined {
  const { payload } = request;
  const nested = payload["resume"];
  const place =
    request.type === "session.resume" || payload["resume_token"] != null ? payload : undefined;
  const asked = request.type === "session.hello" && nested != null ? nested : place;
  if (asked === undefined) return undefined;
  const { last_event_seq: after } = asked as { last_event_seq?: unknown };
  return typeof after === "number" ? after : 0;
}
