import type { JobId, SessionId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Timed } from "./due-queue.ts";
import { Line, type Standing } from "./line.ts";

/** What is remembered of a job that has ended. It stands in line, is held, or leaves, and is looked at once it is due. */
export interface KeptJob extends Standing<KeptJob>, Timed {
  readonly id: JobId;
  /** The session that owns it; undefined where that cannot be read. */
  readonly session: SessionId | undefined;
  readonly lineage: Lineage;
  /** When its time is up; in ms of the monotonic clock. */
  readonly end: number;
  /** For how many jobs it counts. */
  readonly weight: number;
  /** All of its principal. */
  readonly siblings: KeptJobs;
  isInLine: boolean;
  isLeaving: boolean;
}

/** Counts the finished jobs of one principal: those that are held, those in line to leave, and those that leave. */
export class KeptJobs {
  /** Undefined for those of which it cannot be read. */
  readonly principal: string | undefined;
  /** Those that nothing is known to hold, the one that ended first in front. */
  readonly #line = new Line<KeptJob>();
  #kept = 0;
  #inLine = 0;
  #leaving = 0;

  constructor(principal: string | undefined) {
    this.principal = principal;
  }

  /** How many are kept; not those that are being removed. */
  get kept(): number {
    return this.#kept;
  }

  /** How many of these are held. */
  get held(): number {
    return this.#kept - this.#inLine;
  }

  /** How many are being removed, or could not be yet. */
  get leaving(): number {
    return this.#leaving;
  }

  /** The one that ended first, of those that nothing is known to hold. */
  get first(): KeptJob | undefined {
    return this.#line.first;
  }

  get isEmpty(): boolean {
    return this.#kept + this.#leaving === 0;
  }

  add({ weight }: KeptJob): void {
    this.#kept += weight;
  }

  /** Nothing is known to hold it. */
  queue(job: KeptJob): void {
    this.#line.add(job);
    this.#inLine += job.weight;
    job.isInLine = true;
  }

  /** It is held, if it was not. */
  hold(job: KeptJob): void {
    if (!job.isInLine) return;
    this.#line.delete(job);
    this.#inLine -= job.weight;
    job.isInLine = false;
  }

  /** It is being removed, if it was not. */
  leave(job: KeptJob): void {
    this.hold(job);
    if (job.isLeaving) return;
    this.#kept -= job.weight;
    this.#leaving += job.weight;
    job.isLeaving = true;
  }

  /** It is removed. */
  gone({ weight }: KeptJob): void {
    this.#leaving -= weight;
  }
}
