import {
  ArcpError,
  type Clock,
  type Decoded,
  decodeFromRuntime,
  type EnvelopeHeader,
  encode,
  Liveness,
  LocalError,
  newMessageId,
  type SessionId,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { Acknowledgement } from "./acknowledgement.ts";
import { nextFrame, type Opened, ping, pong } from "./handshake.ts";
import { asError, closed, type LinkError } from "./link-outcome.ts";
import { Outbox } from "./outbox.ts";
import { PeerCheck } from "./peer-check.ts";
import { Reordering } from "./reordering.ts";
import type { Session } from "./session.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface ConnectionOptions {
  readonly opened: Opened;
  readonly session: Session;
  readonly clock: Clock;
  /** How long a peer in doubt has to say anything, in ms. */
  readonly checkTimeout: number;
  /** Writes the session down before a position is acknowledged. */
  readonly keeper: SessionKeeper | undefined;
  /**
   * Takes one message, each stream envelope once and in order; `size` is in characters.
   *
   * @returns whether an error that names no request was about one all the same, and not about the session
   */
  readonly received: (message: Decoded, size: number) => boolean;
  /** There is room again for what can wait. */
  readonly drained: () => void;
}

/**
 * One connection of a session, from behind the welcome to its end.
 *
 * 1. A number is counted and its envelope handed on in one step, so a resume asks for exactly what is missing.
 * 2. Stopped, it looks after nothing any more, but still hands on what comes; abandoned, it hands on nothing.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #session: Session;
  /** Where the session agreed on heartbeats. */
  readonly #heartbeat: Liveness | undefined;
  /** Where the session agreed on acks, or is written down. */
  readonly #acks: Acknowledgement | undefined;
  readonly #check: PeerCheck;
  readonly #reordering: Reordering;
  #isStopped = false;
  #isAbandoned = false;
  /** Why this side gave it up. */
  #fault: LinkError | undefined;
  /** What could not be read behind the last envelope of the stream, and may have been the next one. */
  #unreadable: LinkError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { transport } = options.opened;
    this.#transport = transport;
    this.#outbox = new Outbox({
      transport,
      drained: () => {
        options.drained();
        if (!this.#isStopped) this.#acks?.goOn();
      },
      stuck: (fault) => this.giveUp(fault),
    });
    this.#session = options.session;
    this.#heartbeat = this.#startHeartbeat();
    this.#acks = this.#startAcks();
    this.#check = new PeerCheck({
      clock: options.clock,
      timeout: options.checkTimeout,
      ping: () => this.#ping(),
      silent: (fault) => this.giveUp(fault),
    });
    this.#reordering = new Reordering({
      clock: options.clock,
      patience: options.session.dialect.patience,
      missing: () => this.giveUp(this.#gap()),
    });
  }

  /** Whether something should be sent that can wait. */
  get hasRoom(): boolean {
    return this.#outbox.hasRoom;
  }

  /** What a connection fails to send is asked again on the next one. */
  send(frame: string): void {
    if (!this.#isStopped) this.#heartbeat?.spoke();
    this.#outbox.send(frame);
  }

  /** Says once more how far the session is. */
  repeatAck(): void {
    this.#acks?.repeat();
  }

  /** Asks the peer for a sign of life, and gives the connection up when none comes in time. */
  check(): void {
    this.#check.ask();
  }

  /** Closes what is of no use any more, for this reason. */
  giveUp(fault: LinkError): void {
    if (this.#isStopped) return;
    this.#fault ??= fault;
    this.#transport.close("going-away");
  }

  /** Gives its timers back. */
  stop(): void {
    this.#isStopped = true;
    this.#heartbeat?.stop();
    this.#acks?.stop();
    this.#check.stop();
    this.#reordering.stop();
  }

  /** Hands nothing on any more and closes. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#transport.close("normal");
  }

  /** Hands on what comes. @returns how it ended */
  async run(): Promise<LinkError> {
    const end = await this.#pump();
    this.#transport.close(this.#isStopped ? "normal" : "going-away");
    return this.#fault ?? end;
  }

  async #pump(): Promise<LinkError> {
    const { frames } = this.#options.opened;
    // An error that is about no request and behind which the runtime closes is the reason for it (R-12-5, R-D-9).
    let lastWord: ArcpError | undefined;
    for (;;) {
      const frame = await nextFrame(frames);
      if (frame instanceof Error) return isParting(frame) ? (lastWord ?? frame) : frame;
      if (this.#isAbandoned) return closed();
      this.#heartbeat?.heard();
      this.#check.heard();
      const decoded = decodeFromRuntime(frame);
      lastWord = undefined;
      const header = headerOf(decoded);
      if (header === undefined && decoded.kind === "malformed") {
        const what = `an event cannot be read: ${decoded.reason}`;
        this.#unreadable = new LocalError("PROTOCOL_VIOLATION", what);
        if (numberIn(frame) > this.#session.position) return this.#unreadable;
      }
      const seq = header?.event_seq;
      if (seq !== undefined) {
        const place = this.#session.take(seq);
        if (place === "seen") continue;
        if (place === "next") this.#unreadable = undefined;
        if (place === "gap") {
          if (this.#reordering.hold(seq, decoded, frame.length)) continue;
          return this.#gap();
        }
      }
      const word = this.#take(decoded, frame.length);
      if (word instanceof ArcpError) lastWord = word;
      else if (word !== undefined) return word;
      if (seq === undefined) continue;
      const end = this.#takeHeld();
      if (end !== undefined) return end;
    }
  }

  /** Takes what came before its turn, now that it may be. @returns how the connection ended */
  #takeHeld(): LinkError | undefined {
    for (;;) {
      const seq = this.#session.position + 1;
      const held = this.#reordering.take(seq);
      if (held === undefined) break;
      this.#session.take(seq);
      const word = this.#take(held.decoded, held.size);
      if (word instanceof LocalError) return word;
    }
    this.#reordering.progressed();
    return undefined;
  }

  /** @returns how the connection ended with this message, or an ArcpError, how it ended if nothing follows */
  #take(decoded: Decoded, size: number): LinkError | undefined {
    let lastWord: ArcpError | undefined;
    if (decoded.kind === "ok") {
      const { message } = decoded;
      if (message.type === "session.ping") {
        this.send(pong(message, this.#id, this.#options.clock));
        return undefined;
      }
      // Nothing follows a goodbye, whoever wanted it.
      if (message.type === "session.closed" || message.type === "session.bye") {
        return this.#isStopped ? closed() : farewell(message.payload.reason);
      }
      if (message.type === "session.error" && message.payload.request_id === undefined) {
        lastWord = ArcpError.fromPayload(message.payload);
      }
    }
    const isTaken = this.#options.received(decoded, size);
    const seq = headerOf(decoded)?.event_seq;
    if (seq !== undefined && !this.#isStopped) this.#acks?.handled(seq);
    return isTaken ? undefined : lastWord;
  }

  /**
   * How a connection ends that lacks a number: with the session, where a resume does not bring it (R-8.3-4, R-6.3-19), and with
   * the client, where it came and cannot be read, or it would come again and again.
   */
  #gap(): LinkError {
    if (this.#unreadable !== undefined) return this.#unreadable;
    if (!this.#session.missed()) return new TransportClosedError();
    const number = this.#session.position + 1;
    return new LocalError("SESSION_LOST", `the runtime does not repeat the event ${number}`);
  }

  get #id(): SessionId {
    return this.#session.info.id;
  }

  /** Looks after the connection as often as the runtime said, where both sides agreed to (section 6.4). */
  #startHeartbeat(): Liveness | undefined {
    const { opened, clock } = this.#options;
    const seconds = opened.welcome.message.payload.heartbeat_interval_sec;
    if (seconds === undefined || !this.#session.info.features.includes("heartbeat")) {
      return undefined;
    }
    return new Liveness({
      clock,
      interval: seconds * 1000,
      ping: () => this.#ping(),
      lost: () => this.giveUp(new ArcpError("HEARTBEAT_LOST", "the runtime fell silent")),
    });
  }

  #ping(): void {
    this.send(ping(this.#id, this.#options.clock));
  }

  #startAcks(): Acknowledgement | undefined {
    const { clock, keeper } = this.#options;
    const isAgreed = this.#session.info.features.includes("ack");
    if (!isAgreed && keeper === undefined) return undefined;
    const say = async (last_processed_seq: number): Promise<void> => {
      try {
        await keeper?.keep();
      } catch (thrown) {
        return this.giveUp(asError(thrown));
      }
      if (!isAgreed || this.#isStopped) return;
      const id = newMessageId("req_");
      const payload = { last_processed_seq };
      this.send(encode({ id, type: "session.ack", session_id: this.#id, payload }));
    };
    const { position } = this.#session;
    return new Acknowledgement(clock, position, (seq) => {
      if (!this.hasRoom) return false;
      void say(seq);
      return true;
    });
  }
}

/** How a connection ends by the runtime's own goodbye, such as when it shuts down: it is one to come back to (R-6.7-6). */
function farewell(reason: string | undefined): LocalError {
  const why = reason === undefined ? "" : `: ${reason}`;
  return new LocalError("TRANSPORT_CLOSED", `the runtime said goodbye${why}`);
}

/** Whether the peer closed, other than a connection that just broke. */
function isParting(end: LinkError): boolean {
  return end instanceof TransportClosedError && end.reason !== undefined;
}

/** The number of an envelope that cannot be read, as far as its text tells; else `NaN`. */
function numberIn(frame: string): number {
  return Number(/"event_seq"\s*:\s*"?(\d+)/.exec(frame)?.[1]);
}

function headerOf(decoded: Decoded): EnvelopeHeader | undefined {
  return decoded.kind === "ok" ? decoded.message : decoded.header;
}
