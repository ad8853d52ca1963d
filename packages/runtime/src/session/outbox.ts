import type { Clock, CloseReason, Transport } from "@arcp/core";

/** Characters that may wait here before the connection stops to read requests (R-4.1-10). */
const MAX_BACKLOG = 2 * 1024 * 1024;

/** How long a closing connection may take to deliver what was sent before, milliseconds. */
const LINGER_MS = 2000;

interface Batch {
  readonly frames: string[];
  readonly taken: PromiseWithResolvers<boolean>;
}

/**
 * The only caller of `transport.send`: replies and stream frames leave in the order in which they were handed over,
 * everything of one turn in one write.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #written: () => void;
  #gathering: Batch | undefined;
  #inFlight: Batch | undefined;
  #waiting = 0;
  #pumping = false;
  /** `broken`: the transport takes nothing any more, and its reader will learn why. */
  #state: "open" | "finishing" | "broken" | "closed" = "open";
  #onDrained: (() => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();

  /** @param written told of every write */
  constructor(transport: Transport, clock: Clock, written: () => void = () => {}) {
    this.#transport = transport;
    this.#clock = clock;
    this.#written = written;
  }

  /**
   * Sends frames behind everything that was handed over before.
   * @returns whether the transport took them, once it has room again: the back-pressure. False when the connection is
   * gone; never rejects.
   */
  send(frames: readonly string[]): Promise<boolean> {
    if (this.#state !== "open") return Promise.resolve(false);
    this.#gathering ??= { frames: [], taken: Promise.withResolvers<boolean>() };
    const batch = this.#gathering;
    for (const frame of frames) {
      batch.frames.push(frame);
      this.#waiting += frame.length;
    }
    if (!this.#pumping) {
      this.#pumping = true;
      void this.#pump();
    }
    return batch.taken.promise;
  }

  /** What to wait for before the next request is read, so that replies cannot pile up; undefined when nothing. */
  pressure(): Promise<boolean> | undefined {
    return this.#waiting > MAX_BACKLOG ? this.#gathering?.taken.promise : undefined;
  }

  /** Resolves once it has closed its transport. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Takes no more frames, delivers what it has, then closes the connection. */
  finish(reason: CloseReason): void {
    if (this.#state === "finishing") return;
    if (this.#state === "broken" || !this.#pumping) return this.close(reason);
    this.#state = "finishing";
    const late = this.#clock.after(LINGER_MS, () => this.close(reason));
    this.#onDrained = () => {
      late.cancel();
      this.close(reason);
    };
  }

  /** Drops what waits and closes the connection at once. */
  close(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#drop();
    this.#transport.close(reason);
    this.#closed.resolve();
  }

  async #pump(): Promise<void> {
    // What the rest of this turn has to say joins the first write.
    await undefined;
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      this.#written();
      try {
        await this.#transport.send(batch.frames);
        batch.taken.resolve(true);
      } catch {
        batch.taken.resolve(false);
        if (this.#state === "open") this.#state = "broken";
        this.#drop();
      }
    }
    this.#pumping = false;
    this.#onDrained?.();
  }

  #take(): Batch | undefined {
    const batch = this.#gathering;
    this.#gathering = undefined;
    this.#inFlight = batch;
    this.#waiting = 0;
    return batch;
  }

  #drop(): void {
    this.#inFlight?.taken.resolve(false);
    this.#take()?.taken.resolve(false);
  }
}
