import { ArcpError, type Clock } from "@arcp/core";

/** Milliseconds in which the failures of one source are added up. */
const WINDOW = 60_000;

/** Sources that are remembered; beyond it the one that failed first is forgotten. */
const MAX_SOURCES = 10_000;

interface Source {
  /** When its window began, by the monotonic clock. */
  since: number;
  failed: number;
  /** Checks under way: each of them may turn out to be a failure. */
  checking: number;
  readonly waiting: Set<(admitted: boolean) => void>;
}

/**
 * Bars sources whose logins keep failing (R-6.1-6). A source gets so many wrong guesses a minute, however many
 * connections it makes at once; beyond that nobody looks at its tokens until the minute is over.
 */
export class FailedLogins {
  readonly #clock: Clock;
  readonly #perMinute: number;
  /** In the order in which their windows began. */
  readonly #sources = new Map<string, Source>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /**
   * Has a login checked, or not.
   * @param source undefined for one that nothing is known of, which is never barred
   * @param check gives undefined when the login is wrong; its throwing counts for nothing
   * @param over aborts when nobody waits for the answer any more: then what waits for its turn does not get one, and rejects
   *   with the signal's reason
   * @returns what `check` gives, or how a barred source is refused
   */
  async check(
    source: string | undefined,
    check: () => Promise<string | undefined>,
    over: AbortSignal,
  ): Promise<string | undefined | ArcpError> {
    if (source === undefined) return check();
    const entry = this.#entry(source);
    if (!(await this.#admitted(entry, over))) return this.#barred(entry);
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

  /** Takes part in the checks, once it is known that the guesses before it leave one over. */
  #admitted(entry: Source, over: AbortSignal): Promise<boolean> | boolean {
    if (entry.failed >= this.#perMinute) return false;
    if (entry.failed + entry.checking < this.#perMinute) {
      entry.checking += 1;
      return true;
    }
    // Nobody is refused only because others are being checked.
    return new Promise((resolve, reject) => {
      entry.waiting.add(resolve);
      const leave = (): void => {
        if (entry.waiting.delete(resolve)) reject(over.reason);
      };
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
      waiting.delete(answer);
      answer(!isBarred);
    }
    // Who never fails is not remembered.
    const forgettable = entry.failed === 0 && entry.checking === 0;
    if (forgettable && this.#sources.get(source) === entry) this.#sources.delete(source);
  }

  /** What is known of a source; its minute begins anew when it is over. */
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
