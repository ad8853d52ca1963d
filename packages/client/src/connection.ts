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
  /** Whether it is not the first connection of this client. */
  readonly isResumed: boolean;
  readonly clock: Clock;
  /** How long a peer that is being checked has to send anything, in ms. */
  readonly checkTimeout: number;
  /** Persists the session before a position is acknowledged. */
  readonly keeper: SessionKeeper | undefined;
  /**
   * Handles one message; gets each stream envelope once and in order. `size` is in characters.
   *
   * @returns whether an error was about a request, not about the session
   */
  readonly received: (message: Decoded, size: number) => boolean;
  /** Called when messages that had to wait can be sent again. */
  readonly drained: () => void;
}

/**
 * One connection of a session, from after the welcome to its end.
 *
 * 1. Counting an `event_seq` and handing its envelope on is one step, so a resume requests exactly what is missing.
 * 2. A stopped connection no longer runs timers or acks, but still hands on what arrives; an abandoned one hands on nothing.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #session: Session;
  /** Set if the session negotiated heartbeats. */
  readonly #heartbeat: Liveness | undefined;
  /** Set if the session negotiated acks, or is persisted. */
  readonly #acks: Acknowledgement | undefined;
  readonly #check: PeerCheck;
  readonly #reordering: Reordering;
  #hasBegun = false;
  #hasSpoken = false;
  #isStopped = false;
  #isAbandoned = false;
  /** Why this side gave the connection up. */
  #fault: LinkError | undefined;
  /** Set if an unreadable message arrived since the last stream envelope: it may have been the next one. */
  #unreadable: LinkError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { transport } = options.opened;
    this.#transport = transport;
    this.#outbox = new Outbox({
      transport,
      drained: () => this.#drained(),
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

  /** Whether to send messages that could wait. */
  get hasRoom(): boolean {
    return this.#hasBegun && this.#outbox.hasRoom;
  }

  /** Whether more than signs of life may be sent. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether anything was sent since the welcome, which confirms its token (R-6.3-7). */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** Sends a frame. Requests that the connection fails to deliver are repeated on the next one. */
  send(frame: string): void {
    this.#hasSpoken = true;
    if (!this.#isStopped) this.#heartbeat?.spoke();
    this.#outbox.send(frame);
  }

  /** Lets more be sent than signs of life. */
  begin(): void {
    this.#hasBegun = true;
    this.#drained();
  }

  /** Asks the peer for a sign of life, and gives the connection up if none comes in time. */
  check(): void {
    this.#check.ask();
  }

  /** Closes the connection because it is of no more use. @param fault why */
  giveUp(fault: LinkError): void {
    if (this.#isStopped) return;
    this.#fault ??= fault;
    this.#transport.close("going-away");
  }

  /** Cancels its timers. */
  stop(): void {
    this.#isStopped = true;
    this.#heartbeat?.stop();
    this.#acks?.stop();
    this.#check.stop();
    this.#reordering.stop();
  }

  /** Closes the connection and hands on nothing more. */
  abandon(): void {
    this.stop();
    this.#isAbandoned = true;
    this.#transport.close("normal");
  }

  /** Hands on what arrives until the connection ends. @returns how it ended */
  async run(): Promise<LinkError> {
    const end = await this.#pump();
    this.#transport.close(this.#isStopped ? "normal" : "going-away");
    return this.#fault ?? end;
  }

  #drained(): void {
    this.#options.drained();
    if (!this.#isStopped) this.#acks?.goOn();
  }

  async #pump(): Promise<LinkError> {
    const { frames } = this.#options.opened;
    // If the runtime closes right after an error that is about no request, that error is the reason (R-12-5, R-D-9).
    let lastWord: ArcpError | undefined;
    for (;;) {
      const frame = await nextFrame(frames);
      if (frame instanceof Error) return isParting(frame) ? (lastWord ?? frame) : frame;
      if (this.#isAbandoned) return closed();
      this.#heartbeat?.heard();
      this.#check.stop();
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

  /** Handles envelopes that arrived early and are now due. @returns how the connection ended, if it did */
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

  /** @returns how the connection ended with this message, if it did; or an ArcpError: how it ended unless more follows */
  #take(decoded: Decoded, size: number): LinkError | undefined {
    let lastWord: ArcpError | undefined;
    if (decoded.kind === "ok") {
      const { message } = decoded;
      if (message.type === "session.ping") {
        this.send(pong(message, this.#id, this.#options.clock));
        return undefined;
      }
      // Nothing follows a goodbye, whichever side asked for it.
      if (message.type === "session.closed" || message.type === "session.bye") {
        return this.#isStopped ? closed() : farewell(message.payload.reason);
      }
      if (message.type === "session.error") lastWord = ArcpError.fromPayload(message.payload);
    }
    const isTaken = this.#options.received(decoded, size);
    const seq = headerOf(decoded)?.event_seq;
    if (seq !== undefined && !this.#isStopped) this.#acks?.handled(seq);
    return isTaken ? undefined : lastWord;
  }

  /**
   * How a connection ends on which a number is missing. If resuming does not bring the number, the session ends too (R-8.3-4,
   * R-6.3-19). If it arrived but cannot be read, the client ends, since it would arrive again and again.
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

  /** Starts the heartbeat at the runtime's interval, if both sides agreed on it (section 6.4). */
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
    const { clock, keeper, isResumed } = this.#options;
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
    return new Acknowledgement(clock, position, isResumed, (seq) => {
      if (!this.hasRoom) return false;
      void say(seq);
      return true;
    });
  }
}

/** How a connection ends if the runtime says goodbye, for example at shutdown: the client will reconnect (R-6.7-6). */
function farewell(reason: string | undefined): LocalError {
  const why = reason === undefined ? "" : `: ${reason}`;
  return new LocalError("TRANSPORT_CLOSED", `the runtime said goodbye${why}`);
}

/** Whether the peer closed the connection, as opposed to a connection that just broke. */
function isParting(end: LinkError): boolean {
  return end instanceof TransportClosedError && end.reason !== undefined;
}

/** The `event_seq` of an envelope that cannot be decoded, if its text shows one; otherwise `NaN`. */
function numberIn(frame: string): number {
  return Number(/"event_seq"\s*:\s*"?(\d+)/.exec(frame)?.[1]);
}

function headerOf(decoded: Decoded): EnvelopeHeader | undefined {
  return decoded.kind === "ok" ? decoded.message : decoded.header;
}
