import { ArcpError, type Clock, LocalError, sleep } from "@arcp/core";
import type { WatchedJob } from "./job-handle.ts";
import type { JobFilter, ListedJob } from "./job-listing.ts";
import { checkNames, misuse } from "./misuse.ts";
import { isRetryable } from "./retry.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** Which jobs to watch. */
export type WatchFilter = Pick<JobFilter, "agent">;

/** How to look for new jobs. */
export interface WatchOptions {
  /** Aborting it ends the iteration; the jobs it yielded continue. */
  readonly signal?: AbortSignal | undefined;
  /** The pause between two checks for new jobs, in ms. Default: 2,000. */
  readonly every?: number | undefined;
  /**
   * How long after its creation a job may first be listed, in ms: as long as the runtime's slowest provisioner may take.
   * Default: 15,000.
   */
  readonly overlap?: number | undefined;
}

const defaults = { every: 2_000, overlap: 15_000 } as const;

/** What a watch asks of its client. */
export interface WatchSource {
  readonly clock: Clock;
  /** Why nothing can be asked any more; undefined while it can. */
  readonly refusal: Error | undefined;
  /** Resolves once nothing can be asked any more. */
  readonly over: Promise<void>;
  /** What the runtime's clock shows, milliseconds since 1970. */
  time(signal: AbortSignal): Promise<number>;
  jobs(filter: JobFilter, signal: AbortSignal): AsyncIterable<ListedJob>;
  subscribe(id: string): Promise<WatchedJob>;
}

/** What the runtime's clock showed, in ms since 1970, between two moments of our own monotonic one, in ms. */
interface Look {
  readonly time: number;
  readonly asked: number;
  readonly answered: number;
}

const UNFINISHED = ["pending", "running"] as const;

/**
 * Finds the jobs of a principal: those that are unfinished, then each new one, once. No message announces a job, so listings
 * are asked for, again and again.
 *
 * 1. Times of jobs are compared with what the runtime's clock showed, and durations are measured by ours: the two may be
 *    hours apart, and the runtime's may be set.
 * 2. A round looks at the runtime's clock first, and then lists what was created since a look one overlap before the last
 *    round, since a job is listed some time after its creation. What a listing brings again is known.
 * 3. A round counts when it came to its end: what fails in the middle, and may succeed later, is done again by the next one.
 * 4. Ids that no listing brings any more are forgotten. Only when the runtime's clock was set back they may come again, and
 *    are given again, rather than new jobs not at all.
 */
export class JobWatch implements AsyncIterableIterator<WatchedJob, void> {
  readonly #source: WatchSource;
  readonly #filter: WatchFilter;
  readonly #signal: AbortSignal | undefined;
  readonly #every: number;
  readonly #overlap: number;
  readonly #stop = new AbortController();
  readonly #found = this.#run();
  /** The jobs that were given, or passed over, and when they were created. */
  readonly #known = new Map<string, number>();
  /** Oldest first. All that was listed since the first of them was created since then. */
  readonly #looks: Look[] = [];
  #left = false;

  /** @throws LocalError `MISUSE` for times that make no sense, and for a filter or an option that there is not */
  constructor(source: WatchSource, { agent, ...others }: WatchFilter, options: WatchOptions) {
    const { signal, every = defaults.every, overlap = defaults.overlap, ...foreign } = options;
    checkNames("watch", { ...others, ...foreign });
    if (!(every > 0 && Number.isFinite(every))) throw misuse("every must be above 0 ms");
    if (!(overlap >= 0 && Number.isFinite(overlap))) throw misuse("overlap must be at least 0 ms");
    this.#source = source;
    this.#filter = agent === undefined ? {} : { agent };
    this.#signal = signal;
    this.#every = every;
    this.#overlap = overlap;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchedJob, void>> {
    return this.#found.next();
  }

  /** Ends it, also while somebody waits for the next job. */
  return(): Promise<IteratorResult<WatchedJob, void>> {
    this.#leave();
    return this.#found.return();
  }

  #leave(): void {
    this.#left = true;
    this.#stop.abort();
  }

  async *#run(): AsyncGenerator<WatchedJob, void> {
    if (this.#left || this.#signal?.aborted) return;
    const leave = (): void => this.#leave();
    this.#signal?.addEventListener("abort", leave, { once: true });
    // The client keeps this until the watch ends, and nothing but the controller: nobody need say that it does.
    const stop = this.#stop;
    unlessAborted(this.#source.over, stop.signal).then(
      () => stop.abort(),
      () => {},
    );
    try {
      yield* this.#rounds();
    } catch (error) {
      const reason = this.#left ? undefined : (this.#source.refusal ?? error);
      const closed = reason instanceof LocalError && reason.code === "CLOSED";
      if (reason !== undefined && !closed) throw reason;
    } finally {
      this.#signal?.removeEventListener("abort", leave);
      stop.abort();
    }
  }

  async *#rounds(): AsyncGenerator<WatchedJob, never> {
    for (let last: Look | undefined; ; ) {
      try {
        last = yield* last === undefined ? this.#first() : this.#since(last);
      } catch (error) {
        if (!isRetryable(error)) throw error;
      }
      await sleep(this.#source.clock, this.#every, this.#stop.signal);
    }
  }

  async *#first(): AsyncGenerator<WatchedJob, Look> {
    // Kept when the round fails: what is created meanwhile is new.
    const began = this.#looks[1] ?? (await this.#look());
    for await (const job of this.#list({ status: UNFINISHED })) yield* this.#give(job);
    // What ended before must not turn up as new in the next round, which reaches back behind the beginning.
    for await (const job of this.#list({ createdAfter: new Date(began.time - this.#overlap) })) {
      const old = job.createdAt.getTime() < began.time;
      if (old && !UNFINISHED.some((status) => status === job.status)) this.#remember(job);
      else yield* this.#give(job);
    }
    return began;
  }

  async *#since(last: Look): AsyncGenerator<WatchedJob, Look> {
    const look = await this.#look();
    const reach = this.#reach(last);
    for await (const job of this.#list({ createdAfter: new Date(reach) })) yield* this.#give(job);
    for (const [id, createdAt] of this.#known) if (createdAt <= reach) this.#known.delete(id);
    return look;
  }

  async #look(): Promise<Look> {
    const { clock } = this.#source;
    const asked = clock.monotonic();
    const shown = await this.#source.time(this.#stop.signal);
    const answered = clock.monotonic();
    const before = this.#looks.at(-1);
    // A clock that was set back gives earlier times to what was created since.
    const setBack = before !== undefined && shown < before.time;
    const time = setBack ? shown - (answered - before.asked) : shown;
    const look = { time, asked, answered };
    // Nobody looked before the first time: there the runtime's own clock has to measure the overlap.
    const never = Number.NEGATIVE_INFINITY;
    if (before === undefined) {
      this.#looks.push({ time: time - this.#overlap, asked: never, answered: never });
    }
    this.#looks.push(look);
    return look;
  }

  /** The time behind which all was created that the round of this look could not see. */
  #reach({ asked }: Look): number {
    const settled = asked - this.#overlap;
    const oldest = this.#looks.findLastIndex(({ answered }) => answered <= settled);
    this.#looks.splice(0, oldest);
    return Math.min(...this.#looks.map(({ time }) => time)) - 1;
  }

  #list(filter: JobFilter): AsyncIterable<ListedJob> {
    return this.#source.jobs({ ...this.#filter, ...filter }, this.#stop.signal);
  }

  async *#give(listed: ListedJob): AsyncGenerator<WatchedJob, void> {
    if (this.#known.has(listed.id)) return;
    // It may have ended while the job before was looked at: the rest of the page is in memory, and nothing else tells.
    this.#stop.signal.throwIfAborted();
    const job = await this.#subscribe(listed.id);
    this.#remember(listed);
    if (job !== undefined) yield job;
  }

  /** @returns undefined for a job that is kept no longer */
  async #subscribe(id: string): Promise<WatchedJob | undefined> {
    try {
      return await this.#unlessStopped(this.#source.subscribe(id));
    } catch (error) {
      if (error instanceof ArcpError && error.code === "JOB_NOT_FOUND") return undefined;
      throw error;
    }
  }

  #remember({ id, createdAt }: ListedJob): void {
    this.#known.set(id, createdAt.getTime());
  }

  /** Rejects when the watch is to end first, and gives back a job that nobody gets any more. */
  async #unlessStopped(subscribing: Promise<WatchedJob>): Promise<WatchedJob> {
    try {
      return await unlessAborted(subscribing, this.#stop.signal);
    } catch (error) {
      subscribing.then((job) => job.unsubscribe()).catch(() => {});
      throw error;
    }
  }
}
