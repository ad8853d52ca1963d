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

/** What a watch needs from its client. */
export interface WatchSource<J> {
  readonly clock: Clock;
  /** Why requests are no longer possible; undefined while they are. */
  readonly refusal: Error | undefined;
  /** Resolves once requests are no longer possible. */
  readonly over: Promise<void>;
  /** The time by the runtime's clock, in milliseconds since 1970. */
  time(signal: AbortSignal): Promise<number>;
  jobs(filter: JobFilter, signal: AbortSignal): AsyncIterable<ListedJob>;
  subscribe(id: string): Promise<J>;
}

/** A reading of the runtime's clock, in ms since 1970, taken between two moments of our own monotonic clock, in ms. */
interface Look {
  readonly time: number;
  readonly asked: number;
  readonly answered: number;
}

const UNFINISHED = ["pending", "running"] as const;

/**
 * Finds the jobs of a principal: first the unfinished ones, then each new one, once. No message announces new jobs, so it polls
 * listings.
 *
 * 1. Creation times are compared with readings of the runtime's clock, but durations are measured by ours: the two clocks may be
 *    hours apart, and the runtime's may be set.
 * 2. A round first reads the runtime's clock, and then lists the jobs created since a reading one overlap before the last round,
 *    because a job may be listed some time after its creation. Jobs that are listed again are recognised.
 * 3. Only a complete round counts: if one fails halfway with an error that may pass, the next one repeats it.
 * 4. Ids that can no longer be listed are forgotten. Only if the runtime's clock was set back may they be listed again; they
 *    are then yielded again, which is better than missing new jobs.
 */
export class JobWatch<J extends Pick<WatchedJob, "unsubscribe">>
  implements AsyncIterableIterator<J, void>
{
  readonly #source: WatchSource<J>;
  readonly #filter: WatchFilter;
  readonly #signal: AbortSignal | undefined;
  readonly #every: number;
  readonly #overlap: number;
  readonly #stop = new AbortController();
  readonly #found = this.#run();
  /** The jobs that were yielded or skipped, and when they were created. */
  readonly #known = new Map<string, number>();
  /** Oldest first. Every job not listed yet was created after the first of them. */
  readonly #looks: Look[] = [];
  #left = false;

  /** @throws LocalError `MISUSE` for times that make no sense, and for an unknown filter or option */
  constructor(source: WatchSource<J>, { agent, ...others }: WatchFilter, options: WatchOptions) {
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

  next(): Promise<IteratorResult<J, void>> {
    return this.#found.next();
  }

  /** Ends the watch, even while somebody waits for the next job. */
  return(): Promise<IteratorResult<J, void>> {
    this.#leave();
    return this.#found.return();
  }

  #leave(): void {
    this.#left = true;
    this.#stop.abort();
  }

  async *#run(): AsyncGenerator<J, void> {
    if (this.#left || this.#signal?.aborted) return;
    const leave = (): void => this.#leave();
    this.#signal?.addEventListener("abort", leave, { once: true });
    // The client holds this reaction until the watch ends. It refers only to the controller, so it does not keep the watch alive.
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

  async *#rounds(): AsyncGenerator<J, never> {
    for (let last: Look | undefined; ; ) {
      try {
        last = yield* last === undefined ? this.#first() : this.#since(last);
      } catch (error) {
        if (!isRetryable(error)) throw error;
      }
      await sleep(this.#source.clock, this.#every, this.#stop.signal);
    }
  }

  async *#first(): AsyncGenerator<J, Look> {
    // Kept if the round fails: jobs created in the meantime are new.
    const began = this.#looks[1] ?? (await this.#look());
    for await (const job of this.#list({ status: UNFINISHED })) yield* this.#give(job);
    // Jobs that ended before must not appear as new in the next round, which reaches back before the beginning.
    for await (const job of this.#list({ createdAfter: new Date(began.time - this.#overlap) })) {
      const old = job.createdAt.getTime() < began.time;
      if (old && !UNFINISHED.some((status) => status === job.status)) this.#remember(job);
      else yield* this.#give(job);
    }
    return began;
  }

  async *#since(last: Look): AsyncGenerator<J, Look> {
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
    // If the runtime's clock was set back, jobs created since then have earlier times.
    const setBack = before !== undefined && shown < before.time;
    const time = setBack ? shown - (answered - before.asked) : shown;
    const look = { time, asked, answered };
    // There is no reading before the first one, so there the overlap has to be measured by the runtime's own clock.
    const never = Number.NEGATIVE_INFINITY;
    if (before === undefined) {
      this.#looks.push({ time: time - this.#overlap, asked: never, answered: never });
    }
    this.#looks.push(look);
    return look;
  }

  /** A time after which every job was created that the round of this reading could not see. */
  #reach({ asked }: Look): number {
    const settled = asked - this.#overlap;
    const oldest = this.#looks.findLastIndex(({ answered }) => answered <= settled);
    this.#looks.splice(0, oldest);
    return Math.min(...this.#looks.map(({ time }) => time)) - 1;
  }

  #list(filter: JobFilter): AsyncIterable<ListedJob> {
    return this.#source.jobs({ ...this.#filter, ...filter }, this.#stop.signal);
  }

  async *#give(listed: ListedJob): AsyncGenerator<J, void> {
    if (this.#known.has(listed.id)) return;
    // The watch may have ended while the previous job was handled; the rest of the page is in memory, so only this check notices.
    this.#stop.signal.throwIfAborted();
    const job = await this.#subscribe(listed.id);
    this.#remember(listed);
    if (job !== undefined) yield job;
  }

  /** @returns undefined for a job that the runtime no longer keeps */
  async #subscribe(id: string): Promise<J | undefined> {
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

  /** Rejects if the watch ends first; then unsubscribes from the job, since nobody gets it any more. */
  async #unlessStopped(subscribing: Promise<J>): Promise<J> {
    try {
      return await unlessAborted(subscribing, this.#stop.signal);
    } catch (error) {
      subscribing.then((job) => job.unsubscribe()).catch(() => {});
      throw error;
    }
  }
}
