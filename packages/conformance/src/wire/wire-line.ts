import {
  type Clock,
  type CloseReason,
  type Envelope,
  LocalError,
  systemClock,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import type { RequirementId } from "../manifest/manifest.ts";
import type { SessionRecord } from "../sniffer/session-record.ts";
import { Sniffer } from "../sniffer/sniffer.ts";
import { Inbox } from "./inbox.ts";
import { Transcript } from "./transcript.ts";
import { WireViolation } from "./wire-violation.ts";

/** How long a raw client waits, and which violations it ignores. */
export interface WireOptions {
  /** Milliseconds that each wait may last. Default 5,000. */
  readonly timeoutMs?: number;
  /** Whether pings are answered automatically. Default true. */
  readonly answerPings?: boolean;
  /** Requirements whose violations are ignored, for peers that are known to differ. Default none. */
  readonly waive?: readonly RequirementId[];
  readonly clock?: Clock;
}

/** How a connection ended: with the reason of the side that closed it, or without any. */
export type Ending = CloseReason | "broken";

/** Lines of the transcript that a failure shows. */
const SHOWN = 20;

/** One connection, watched by a sniffer in both directions. */
export class WireLine {
  readonly transcript = new Transcript();
  readonly sniffer: Sniffer;
  readonly clock: Clock;
  /** The default bound of a wait, in milliseconds. */
  readonly timeoutMs: number;
  readonly closed: Promise<Ending>;
  readonly #transport: Transport;
  readonly #inbox = new Inbox();
  /** How many of the sniffer's findings were thrown. */
  #told = 0;

  /** @param heard is called with each envelope before anybody can read it */
  constructor(
    transport: Transport,
    options: WireOptions,
    resumes: SessionRecord | undefined,
    heard: (envelope: Envelope) => void,
  ) {
    this.#transport = transport;
    this.clock = options.clock ?? systemClock;
    this.timeoutMs = options.timeoutMs ?? 5_000;
    this.sniffer = new Sniffer({
      ...(resumes === undefined ? {} : { resumes }),
      waive: options.waive ?? [],
    });
    this.closed = this.#read(heard);
  }

  async send(frame: string, faulty: boolean): Promise<void> {
    this.transcript.add("client", frame);
    if (faulty) this.sniffer.sentFaulty(frame);
    else this.sniffer.sent(frame);
    await this.#transport.send([frame]);
  }

  /**
   * Waits for the first unread envelope that fits. Throws a {@link WireViolation} as soon as there is one to tell of, a
   * {@link LocalError} when the time is up or the connection ends first.
   *
   * @param what is awaited, for the failure's text
   */
  async take<E extends Envelope>(
    what: string,
    fits: (envelope: Envelope) => envelope is E,
    ms: number = this.timeoutMs,
  ): Promise<E> {
    this.throwViolations();
    const give = new AbortController();
    const timer = this.clock.after(ms, () => {
      give.abort(this.#failure("REQUEST_TIMEOUT", `waited ${this.timeoutMs} ms for ${what}`));
    });
    try {
      return await this.#inbox.take(fits, give.signal, (error) => this.#explain(error, what));
    } finally {
      timer.cancel();
    }
  }

  /** Throws what the sniffer has found and no wait has thrown yet. */
  throwViolations(): void {
    const violation = this.#untold();
    if (violation !== undefined) throw violation;
  }

  async close(reason?: CloseReason): Promise<void> {
    this.#transport.close(reason);
    await this.closed;
    this.throwViolations();
  }

  async #read(heard: (envelope: Envelope) => void): Promise<Ending> {
    const ending = await this.#readFrames(heard);
    this.transcript.note(`the connection ended: ${ending}`);
    this.#inbox.end(new LocalError("TRANSPORT_CLOSED", `the connection ended (${ending})`));
    return ending;
  }

  async #readFrames(heard: (envelope: Envelope) => void): Promise<Ending> {
    try {
      for await (const frame of this.#transport.frames) {
        this.transcript.add("runtime", frame);
        const envelope = this.sniffer.received(frame);
        // Before the envelope, which may be the very one that is awaited.
        if (this.#told < this.sniffer.violations.length && this.#inbox.awaited) {
          const violation = this.#untold();
          if (violation !== undefined) this.#inbox.interrupt(violation);
        }
        if (envelope === undefined) continue;
        heard(envelope);
        this.#inbox.push(envelope);
      }
      return "normal";
    } catch (error) {
      if (error instanceof TransportClosedError) return error.reason ?? "broken";
      throw error;
    }
  }

  #untold(): WireViolation | undefined {
    const untold = this.sniffer.violations.slice(this.#told);
    this.#told += untold.length;
    return untold.length === 0 ? undefined : new WireViolation(untold, this.transcript.tail(SHOWN));
  }

  #explain(error: Error, what: string): Error {
    if (!(error instanceof LocalError)) return error;
    return this.#failure(error.code, `${error.message} while waiting for ${what}`);
  }

  #failure(code: LocalError["code"], text: string): LocalError {
    return new LocalError(code, `${text}\nThe last frames:\n${this.transcript.tail(SHOWN)}`);
  }
}
