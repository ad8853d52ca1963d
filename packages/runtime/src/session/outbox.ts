import { type Clock, type CloseReason, type Frame, frameText, type Transport } from "@arcp/core";
import type { Turn } from "../turn.ts";
import { lengthOf } from "./frame.ts";

/** Characters that may be queued here before the connection stops reading requests (R-4.1-10). */
const MAX_BACKLOG = 2 * 1024 * 1024;

/** Characters that justify a write before the turn closes. */
const WORTH_A_WRITE = 64 * 1024;

/** How long a closing connection may take to deliver what is queued, in milliseconds. */
const LINGER_MS = 2000;

interface Batch {
  readonly frames: Frame[];
  /** Created for the first caller that waits. */
  taken?: PromiseWithResolvers<boolean>;
}

/**
 * The only caller of the transport's send methods: replies and stream frames leave in the order in which they were queued. The
 * first reply of a turn leaves at once; all others leave in one write with the stream frames of their turn.
 */
export class Outbox {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #turn: Pick<Turn, "closed">;
  readonly #written: () => void;
  #gathering: Batch | undefined;
  #inFlight: Batch | undefined;
  #waiting = 0;
  #pumping = false;
  /** Whether this turn has had a reply already; further ones wait for its close. */
  #closing = false;
  /** `broken`: the transport accepts nothing more; whoever reads from it will learn why. */
  #state: "open" | "finishing" | "broken" | "closed" = "open";
  #onDrained: (() => void) | undefined;
  /** Created on demand, because nobody waits for it while the connection is idle. */
  #closed: PromiseWithResolvers<void> | undefined;

  /**
   * @param turn its close flushes everything that was queued during the turn
   * @param written called for every write
   */
  constructor(
    transport: Transport,
    clock: Clock,
    turn: Pick<Turn, "closed">,
    written: () => void = () => {},
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#turn = turn;
    this.#written = written;
  }

  /**
   * Queues frames after everything queued before, to leave together.
   * @returns whether the transport took them; resolves once it has room again, which is the back-pressure. False if the connection
   *   is gone; never rejects.
   */
  send(frames: readonly Frame[]): Promise<boolean> {
    const batch = this.#gather(frames);
    if (batch === undefined) return Promise.resolve(false);
    this.#pump();
    return taken(batch);
  }

  /**
   * Queues a frame after everything queued before. The first reply of a turn leaves at once: a waiting client takes longer to wake
   * up than the write takes, and the rest of the turn runs meanwhile. Later replies share one write with what is sent next, or
   * leave at the close of the turn, because a write costs more than many a request.
   */
  reply(frame: string): void {
    if (this.#gather([frame]) === undefined) return;
    const isFirst = !this.#closing;
    if (isFirst) this.#awaitClose();
    if (isFirst || this.#waiting >= WORTH_A_WRITE) this.#pump();
  }

  #awaitClose(): void {
    this.#closing = true;
    void this.#turn.closed().then(() => {
      this.#closing = false;
      if (this.#gathering !== undefined) this.#pump();
    });
  }

  /** What to wait for before reading the next request, so that replies cannot pile up; undefined if nothing. */
  pressure(): Promise<boolean> | undefined {
    if (this.#waiting <= MAX_BACKLOG || this.#gathering === undefined) return undefined;
    return taken(this.#gathering);
  }

  /** Resolves once the transport has been closed. */
  get closed(): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    this.#closed ??= Promise.withResolvers<void>();
    return this.#closed.promise;
  }

  /** Accepts no more frames, delivers what is queued, then closes the connection. */
  finish(reason: CloseReason): void {
    if (this.#state === "finishing") return;
    const drained = !this.#pumping && this.#gathering === undefined;
    if (this.#state === "broken" || drained) return this.close(reason);
    this.#state = "finishing";
    const late = this.#clock.after(LINGER_MS, () => {
      // Without the last word "refused" would tell that another connection took over (R-6.3-15): who comes back is told why.
      const isUntold = reason === "refused" && this.#gathering !== undefined;
      this.close(isUntold ? "going-away" : reason);
    });
    this.#onDrained = () => {
      late.cancel();
      this.close(reason);
    };
  }

  /** Drops what is queued and closes the connection at once. */
  close(reason: CloseReason): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#drop();
    this.#transport.close(reason);
    this.#closed?.resolve();
  }

  #gather(frames: readonly Frame[]): Batch | undefined {
    if (this.#state !== "open") return undefined;
    this.#gathering ??= { frames: [] };
    for (const frame of frames) {
      this.#gathering.frames.push(frame);
      this.#waiting += lengthOf(frame);
    }
    return this.#gathering;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#write();
  }

  async #write(): Promise<void> {
    // Lets frames queued in the same microtask join the first write.
    await undefined;
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      this.#written();
      try {
        await this.#hand(batch.frames);
        batch.taken?.resolve(true);
      } catch {
        batch.taken?.resolve(false);
        if (this.#state === "open") this.#state = "broken";
        this.#drop();
      }
    }
    this.#pumping = false;
    this.#onDrained?.();
  }

  #hand(frames: readonly Frame[]): Promise<void> {
    const transport = this.#transport;
    return transport.sendParts?.(frames) ?? transport.send(frames.map(frameText));
  }

  #take(): Batch | undefined {
    const batch = this.#gathering;
    this.#gathering = undefined;
    this.#inFlight = batch;
    this.#waiting = 0;
    return batch;
  }

  #drop(): void {
    this.#inFlight?.taken?.resolve(false);
    this.#take()?.taken?.resolve(false);
  }
}

function taken(batch: Batch): Promise<boolean> {
  batch.taken ??= Promise.withResolvers();
  return batch.taken.promise;
}
