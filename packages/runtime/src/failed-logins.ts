import { ArcpError, type Clock } from "@arcp/core";

/** The window in which failures of one source are counted, in milliseconds. */
const WINDOW = 60_000;

/** The most sources remembered. Beyond it, the one whose window began first is forgotten. */
const MAX_SOURCES = 10_000;

/**
 * How long a login waits for the others of its source, in milliseconds. Clients give up after five seconds by default: served after
 * a longer wait, each would be gone when its check is done, and nobody would get in.
 */
const LONGEST_WAIT = 3_000;

interface Source {
  /** Start of the current window, on the monotonic clock. */
  since: number;
  failed: number;
  /** Checks in progress, each of which may still fail. */
  checking: number;
  /** Logins to be told that they may be checked, or why not, in the order of their arrival. */
  readonly waiting: Set<(refusal: ArcpError | undefined) => void>;
}

/**
 * Blocks sources whose logins keep failing (R-6.1-6). A source may fail a fixed number of times per minute, however many
 * connections it opens in parallel; after that its tokens are not checked until the minute is over.
 */
export class FailedLogins {
  readonly #clock: Clock;
  readonly #perMinute: number;
  /** Ordered by the start of their windows. */
  readonly #sources = new Map<string, Source>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /**
   * Runs a login check unless its source is blocked.
   * @param source undefined if the source is unknown; such logins are never blocked
   * @param check returns undefined for a wrong login, or an error for a failure that is not counted; nor is it if it throws
   * @param over aborts when nobody waits for the result any more; a check still queued is then dropped and rejects with the
   *   signal's reason
   * @returns what `check` returns, or the error for a blocked or busy source
   */
  async check(
    source: string | undefined,
    check: () => Promise<string | ArcpError | undefined>,
    over: AbortSignal,
  ): Promise<string | undefined | ArcpError> {
    if (source === undefined) return check();
    const entry = this.#entry(source);
    const refusal = await this.#claim(entry, over);
    if (refusal !== undefined) return refusal;
    let failed = false;
    try {
      const principal = await check();
      failed = principal === undefined;
      return principal;
    } finally {
      entry.checking -= 1;
      if (failed) this.#failed(source);
      this.#settled(source, entry);
    }
  }

  /**
   * Claims a check, waiting a while if those in progress could use up the remaining failures.
   * @returns the error if there is none to claim
   */
  #claim(entry: Source, over: AbortSignal): Promise<ArcpError | undefined> | ArcpError | undefined {
    if (entry.failed >= this.#perMinute) return this.#barred(entry);
    if (entry.failed + entry.checking < this.#perMinute) {
      entry.checking += 1;
      return undefined;
    }
    // Checks in progress alone are no reason to refuse: wait for their results.
    const { waiting } = entry;
    return new Promise((resolve, reject) => {
      const answer = (refusal: ArcpError | undefined): void => {
        waiting.delete(answer);
        timer.cancel();
        resolve(refusal);
      };
      const leave = (): void => {
        if (!waiting.delete(answer)) return;
        timer.cancel();
        reject(over.reason);
      };
      const timer = this.#clock.after(LONGEST_WAIT, () => answer(busy()));
      waiting.add(answer);
      over.addEventListener("abort", leave, { once: true });
    });
  }

  #failed(source: string): void {
    this.#entry(source).failed += 1;
    if (this.#sources.size <= MAX_SOURCES) return;
    const [oldest] = this.#sources.keys();
    if (oldest !== undefined) this.#sources.delete(oldest);
  }

  #settled(source: string, entry: Source): void {
    const { waiting } = entry;
    const isBarred = entry.failed >= this.#perMinute;
    for (const answer of waiting) {
      if (!isBarred && entry.failed + entry.checking >= this.#perMinute) break;
      if (!isBarred) entry.checking += 1;
      answer(isBarred ? this.#barred(entry) : undefined);
    }
    // A source without failures is not remembered.
    const forgettable = entry.failed === 0 && entry.checking === 0;
    if (forgettable && this.#sources.get(source) === entry) this.#sources.delete(source);
  }

  /** The record of a source; its counter is reset when its minute is over. */
  #entry(source: string): Source {
    const known = this.#sources.get(source);
    const now = this.#clock.monotonic();
    if (known !== undefined && now - known.since < WINDOW) return known;
    const entry = known ?? { since: now, failed: 0, checking: 0, waiting: new Set() };
    entry.since = now;
    entry.failed = 0;
    this.#sources.delete(source);
    this.#sources.set(source, entry);
    return entry;
  }

  #barred({ since }: Source): ArcpError {
    const left = WINDOW - (this.#clock.monotonic() - since);
    return new ArcpError("UNAUTHENTICATED", "too many logins from this address have failed", {
      retryable: true,
      details: { reason: "failed_logins_per_minute", retry_after_sec: Math.ceil(left / 1000) },
    });
  }
}

function busy(): ArcpError {
  const problem = "too many logins from this address are being checked: try again in a moment";
  return new ArcpError("INTERNAL_ERROR", problem, {
    retryable: true,
    details: { reason: "failed_logins_per_minute" },
  });
}
