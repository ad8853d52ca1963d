import type { JobId, SessionId } from "@arcp/core";
import type { Lineage } from "../lineage.ts";
import type { Timed } from "./due-queue.ts";
import { Line, type Standing } from "./line.ts";

/** A finished job as the retention knows it. It is queued for removal, held, or being removed, and rechecked when it is due. */
export interface KeptJob extends Standing<KeptJob>, Timed {
  readonly id: JobId;
  /** The session that owns it; undefined if that cannot be read. */
  readonly session: SessionId | undefined;
  readonly lineage: Lineage;
  /** When its retention is over, in milliseconds on the monotonic clock. */
  readonly end: number;
  /** How many jobs it counts as. */
  readonly weight: number;
  /** All finished jobs of its principal. */
  readonly siblings: KeptJobs;
  isInLine: boolean;
  isLeaving: boolean;
}

/** Counts the finished jobs of one principal: held, queued for removal, and being removed. */
export class KeptJobs {
  /** Undefined for jobs whose principal cannot be read. */
  readonly principal: string | undefined;
  /** Jobs that are not known to be held, the one that ended first in front. */
  readonly #line = new Line<KeptJob>();
  #kept = 0;
  #inLine = 0;
  #leaving = 0;

  constructor(principal: string | undefined) {
    this.principal = principal;
  }

  /** The number of kept jobs, not counting those being removed. */
  get kept(): number {
    return this.#kept;
  }

  /** The number of these that are held. */
  get held(): number {
    return this.#kept - this.#inLine;
  }

  /** The number of jobs whose removal is in progress or has failed so far. */
  get leaving(): number {
    return this.#leaving;
  }

  /** The job that ended first among those not known to be held. */
  get first(): KeptJob | undefined {
    return this.#line.first;
  }

  get isEmpty(): boolean {
    return this.#kept + this.#leaving === 0;
  }

  add({ weight }: KeptJob): void {
    this.#kept += weight;
  }

  /** Queues a job that is not known to be held. */
  queue(job: KeptJob): void {
    this.#line.add(job);
    this.#inLine += job.weight;
    job.isInLine = true;
  }

  /** Marks a job as held. */
  hold(job: KeptJob): void {
    if (!job.isInLine) return;
    this.#line.delete(job);
    this.#inLine -= job.weight;
    job.isInLine = false;
  }

  /** Marks a job as being removed. */
  leave(job: KeptJob): void {
    this.hold(job);
    if (job.isLeaving) return;
    this.#kept -= job.weight;
    this.#leaving += job.weight;
    job.isLeaving = true;
  }

  /** The job is removed. */
  gone({ weight }: KeptJob): void {
    this.#leaving -= weight;
  }
}
