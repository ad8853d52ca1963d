import {
  ArcpError,
  type Clock,
  type Decoded,
  decode,
  encode,
  LocalError,
  newMessageId,
  type SessionId,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { Acknowledgement } from "./acknowledgement.ts";
import { type Opened, pong } from "./handshake.ts";
import { Heartbeat, ping } from "./heartbeat.ts";
import { asError, closed } from "./link-outcome.ts";
import { PeerCheck } from "./peer-check.ts";
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
  /** Takes one message, each stream envelope once and in order; `size` is in characters. */
  readonly received: (message: Decoded, size: number) => void;
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
  readonly #session: Session;
  /** Where the session agreed on heartbeats. */
  readonly #heartbeat: Heartbeat | undefined;
  /** Where the session agreed on acks, or is written down. */
  readonly #acks: Acknowledgement | undefined;
  readonly #check: PeerCheck;
  #isStopped = false;
  #isAbandoned = false;
  /** Why this side gave it up. */
  #fault: Error | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#transport = options.opened.transport;
    this.#session = options.session;
    this.#heartbeat = this.#startHeartbeat();
    this.#acks = this.#startAcks();
    this.#check = this.#makeCheck();
  }

  /** A failure to send shows as the end of the connection; what it carried is asked again on the next one. */
  send(frames: readonly string[]): void {
    if (!this.#isStopped) this.#heartbeat?.spoke();
    this.#transport.send(frames).catch(() => {});
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
  giveUp(fault: Error): void {
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
  }

  /** Hands nothing on any more and closes. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#transport.close("normal");
  }

  /** Hands on what comes. @returns how it ended */
  async run(): Promise<Error> {
    const end = await this.#pump();
    this.#transport.close(this.#isStopped ? "normal" : "going-away");
    return this.#heartbeat?.loss ?? this.#fault ?? end;
  }

  async #pump(): Promise<Error> {
    const { frames } = this.#options.opened;
    // An error that answers no request and behind which the runtime closes is the reason for it (R-12-5).
    let lastWord: ArcpError | undefined;
    for (;;) {
      const frame = await nextFrame(frames);
      if (frame instanceof Error) return isParting(frame) ? (lastWord ?? frame) : frame;
      if (this.#isAbandoned) return closed();
      this.#heartbeat?.heard();
      this.#check.heard();
      const decoded = decode(frame);
      lastWord = undefined;
      const header = decoded.kind === "ok" ? decoded.message : decoded.header;
      if (header?.event_seq !== undefined) {
        const place = this.#session.take(header.event_seq);
        if (place === "gap") return new TransportClosedError();
        if (place === "seen") continue;
      }
      if (decoded.kind === "ok") {
        const { message } = decoded;
        if (message.type === "session.ping") {
          this.send([pong(message, this.#id, this.#options.clock)]);
          continue;
        }
        // Nothing follows a goodbye, whoever wanted it.
        if (message.type === "session.closed" || message.type === "session.bye") return closed();
        if (message.type === "session.error" && message.payload.request_id === undefined) {
          lastWord = ArcpError.fromPayload(message.payload);
        }
      }
      this.#options.received(decoded, frame.length);
      if (header?.event_seq !== undefined && !this.#isStopped) {
        this.#acks?.handled(header.event_seq);
      }
    }
  }

  get #id(): SessionId {
    return this.#session.info.id;
  }

  /** Looks after the connection as often as the runtime said, where both sides agreed to (section 6.4). */
  #startHeartbeat(): Heartbeat | undefined {
    const { opened, clock } = this.#options;
    const seconds = opened.welcome.payload.heartbeat_interval_sec;
    if (seconds === undefined || !this.#session.info.features.includes("heartbeat")) {
      return undefined;
    }
    const transport = this.#transport;
    return new Heartbeat({ transport, session: this.#id, interval: seconds * 1000, clock });
  }

  #startAcks(): Acknowledgement | undefined {
    const { clock, keeper } = this.#options;
    const isAgreed = this.#session.info.features.includes("ack");
    if (!isAgreed && keeper === undefined) return undefined;
    const say = (last_processed_seq: number): void => {
      if (!isAgreed || this.#isStopped) return;
      const id = newMessageId("req_");
      const payload = { last_processed_seq };
      this.send([encode({ id, type: "session.ack", session_id: this.#id, payload })]);
    };
    const writeAndSay = async (seq: number, to: SessionKeeper): Promise<void> => {
      try {
        await to.keep();
        say(seq);
      } catch (thrown) {
        this.giveUp(asError(thrown));
      }
    };
    const { position } = this.#session;
    return new Acknowledgement(
      clock,
      position,
      keeper === undefined ? say : (seq) => void writeAndSay(seq, keeper),
    );
  }

  #makeCheck(): PeerCheck {
    const { clock, checkTimeout: timeout } = this.#options;
    return new PeerCheck({
      clock,
      timeout,
      ping: () => this.send([ping(this.#id, clock)]),
      silent: () => {
        const message = `the connection carried nothing for ${timeout} ms after the network changed`;
        this.giveUp(new LocalError("TRANSPORT_CLOSED", message));
      },
    });
  }
}

/** Whether the peer closed, other than a connection that just broke. */
function isParting(end: Error): boolean {
  return end instanceof TransportClosedError && end.reason !== undefined;
}

/** @returns the next frame, or how the connection ended */
async function nextFrame(frames: AsyncIterator<string>): Promise<string | Error> {
  try {
    const { value, done } = await frames.next();
    return done ? new TransportClosedError("normal") : value;
  } catch (thrown) {
    return asError(thrown);
  }
}
