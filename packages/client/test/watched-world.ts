import { ArcpError, ManualClock } from "@arcp/core";
import type { JobFilter, ListedJob, WatchedJob } from "../src/index.ts";
import type { WatchSource } from "../src/job-watch.ts";

interface Life {
  readonly id: string;
  readonly createdAt: number;
  /** From when on it is listed, and from when on it has ended, by the watcher's monotonic clock. */
  readonly listed: number;
  readonly ended: number;
}

/** A runtime as a watch sees it: a list of jobs, and a clock of its own that the watcher's knows nothing of. */
export class WatchedWorld implements WatchSource<WatchedJob> {
  readonly clock = new ManualClock();
  readonly lives: Life[] = [];
  readonly given: string[] = [];
  readonly unsubscribed: string[] = [];
  /** What is gone by the time that it is subscribed to. */
  readonly fleeting = new Set<string>();
  /** How often it was asked for anything. */
  asked = 0;
  refusal: Error | undefined;
  /** What the next question fails with. */
  fault: Error | undefined;
  /** What every answer waits for. */
  gate: Promise<void> = Promise.resolve();
  readonly #over = Promise.withResolvers<void>();
  /** The runtime's clock less our monotonic one. */
  #ahead = Date.UTC(2031, 5, 5);

  get over(): Promise<void> {
    return this.#over.promise;
  }

  get now(): number {
    return this.#ahead + this.clock.monotonic();
  }

  /** @param late ms from its creation until it is listed. @param lasting ms from now until it ends */
  create(id: string, { late = 0, lasting = Number.POSITIVE_INFINITY, createdAt = this.now } = {}) {
    const now = this.clock.monotonic();
    this.lives.push({ id, createdAt, listed: now + late, ended: now + lasting });
  }

  /** Sets the runtime's clock, and nobody else's. */
  jump(ms: number): void {
    this.#ahead += ms;
  }

  close(error: Error): void {
    this.refusal = error;
    this.#over.resolve();
  }

  async time(signal: AbortSignal): Promise<number> {
    const { now } = this;
    await this.#answer(signal);
    return now;
  }

  async *jobs(
    { status, createdAfter }: JobFilter,
    signal: AbortSignal,
  ): AsyncGenerator<ListedJob, void> {
    // Page by page: what is seen later is what is there by then.
    let last: Life | undefined;
    for (;;) {
      await this.#answer(signal);
      const now = this.clock.monotonic();
      const next = this.lives
        .filter(({ listed }) => listed <= now)
        .filter((life) => last === undefined || order(life, last) > 0)
        .filter(({ createdAt }) => createdAfter === undefined || createdAt > createdAfter.getTime())
        .filter((life) => status === undefined || life.ended > now)
        .sort(order)[0];
      if (next === undefined) return;
      last = next;
      yield {
        id: next.id,
        agent: "a",
        status: next.ended > now ? "running" : "success",
        lease: {},
        parent: undefined,
        createdAt: new Date(next.createdAt),
        traceId: undefined,
      };
    }
  }

  async subscribe(id: string): Promise<WatchedJob> {
    await this.#answer();
    if (this.fleeting.has(id)) {
      throw new ArcpError("JOB_NOT_FOUND", "there is no such job");
    }
    this.given.push(id);
    return { id, unsubscribe: () => void this.unsubscribed.push(id) } as never;
  }

  async #answer(signal?: AbortSignal): Promise<void> {
    this.asked += 1;
    const aborted = new Promise<void>((resolve) => {
      if (signal?.aborted) resolve();
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([this.gate, aborted]);
    signal?.throwIfAborted();
    const { fault } = this;
    this.fault = undefined;
    if (fault !== undefined) throw fault;
  }

  /** Resolves once the watch does nothing but wait for its next round. */
  async idle(): Promise<void> {
    while (this.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function order(a: Life, b: Life): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : Number(a.id > b.id));
}
