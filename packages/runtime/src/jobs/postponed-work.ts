import type { Clock, JobId, SessionId, Timer } from "@arcp/core";
import type { Logger } from "pino";
import { isClosed } from "../store/closed.ts";
import { askStore } from "../store/outage.ts";
import type { ReadableStore } from "../store/readable-logs.ts";
import type { Turn } from "../turn.ts";
import { AnnouncedChildren } from "./announced-children.ts";
import { headOf } from "./log-tail.ts";

/** Milliseconds between two rounds, and the most between two attempts at the same work. */
const PAUSE = { first: 2000, longest: 60_000 };

/** How many attempts have the first pause behind them; after that, pauses double. */
const PATIENT_ATTEMPTS = 30;

/** The most refusals in a round that may be about the whole store. */
const MOST_REFUSALS = 32;

/** What an attempt costs of the turn's budget. */
const STEPS = 8;

/** Rejects as long as the store refuses, and is then called again. */
export type Work = (announced: AnnouncedChildren) => Promise<void>;

/** What work is about. */
type Subject = JobId | SessionId;

export interface WorkOptions {
  /** The job whose log it needs. */
  readonly log?: JobId | undefined;
  /** A job whose own work, if it is postponed too, comes first. */
  readonly follows?: JobId | undefined;
}

interface Postponed extends WorkOptions {
  readonly subject: Subject;
  readonly work: Work;
  /** How often it was refused here. */
  refusals: number;
  /** When it is tried again at the earliest, on the monotonic clock. */
  due: number;
}

/** What a refusal is about: one log, the whole store, or perhaps that. */
type Refused = "log" | "unknown" | "store";

export interface PostponedWorkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Pick<ReadableStore, "jobs" | "logs">;
  readonly turn: Pick<Turn, "spend">;
}

/**
 * What the store refused to do about a job or a session for too long. It is tried again, in rounds, until the store accepts it: first
 * what was refused least often. If just one log cannot be read, that holds nobody up. Any other refusal may be about the whole store,
 * so a round ends with the first of these, and later rounds with twice as many each.
 */
export class PostponedWork {
  readonly #options: PostponedWorkOptions;
  readonly #postponed = new Map<Subject, Postponed>();
  /** How many refusals that may be about the whole store end a round. */
  #tolerated = 1;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: PostponedWorkOptions) {
    this.#options = options;
  }

  add(subject: Subject, work: Work, options: WorkOptions = {}): void {
    this.#postponed.set(subject, { subject, work, ...options, refusals: 0, due: 0 });
    this.#arm();
  }

  /** Stops; the next process does the rest. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    if (this.#closed || this.#timer !== undefined || this.#postponed.size === 0) return;
    this.#timer = this.#options.clock.after(PAUSE.first, () => void this.#round());
  }

  /** Never rejects. */
  async #round(): Promise<void> {
    const { store, turn } = this.#options;
    const announced = new AnnouncedChildren(store);
    let refusals = 0;
    for (const postponed of this.#due()) {
      const { follows } = postponed;
      if (follows !== undefined && this.#postponed.has(follows)) continue;
      // There may be any number of them (J4).
      await turn.spend("answering", STEPS);
      if (this.#closed) return;
      const refused = await this.#attempt(postponed, announced);
      if (refused === "store") break;
      if (refused === "unknown") refusals += 1;
      if (refusals < this.#tolerated) continue;
      this.#tolerated = Math.min(this.#tolerated * 2, MOST_REFUSALS);
      break;
    }
    if (this.#postponed.size === 0) this.#tolerated = 1;
    this.#timer = undefined;
    this.#arm();
  }

  #due(): readonly Postponed[] {
    const now = this.#options.clock.monotonic();
    const due = [...this.#postponed.values()].filter((postponed) => postponed.due <= now);
    return due.toSorted((a, b) => a.refusals - b.refusals);
  }

  /** @returns undefined if the work is done */
  async #attempt(postponed: Postponed, announced: AnnouncedChildren): Promise<Refused | undefined> {
    const { clock, logger } = this.#options;
    const { subject, work, log } = postponed;
    try {
      await work(announced);
      this.#postponed.delete(subject);
      return undefined;
    } catch (error) {
      logger.debug({ subject, err: error }, "the store still refuses what was postponed");
      if (isClosed(error)) this.close();
      const refused = await this.#refused(log);
      postponed.refusals += 1;
      const doublings = postponed.refusals - (refused === "log" ? 0 : PATIENT_ATTEMPTS);
      const pause = Math.min(PAUSE.first * 2 ** Math.max(0, doublings), PAUSE.longest);
      postponed.due = clock.monotonic() + pause;
      return refused;
    }
  }

  /** Asks only for what can be read: whether the store accepts what others write, only their own work can tell. */
  async #refused(log: JobId | undefined): Promise<Refused> {
    const { logs } = this.#options.store;
    if (log !== undefined && (await answers(headOf(log, logs)))) return "unknown";
    if (!(await answers(askStore(logs)))) return "store";
    return log === undefined ? "unknown" : "log";
  }
}

function answers(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  );
}
