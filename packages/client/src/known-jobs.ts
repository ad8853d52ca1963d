import { type Decoded, JobId } from "@arcp/core";

/** How many are remembered: far more than tell something at the same time. */
const KEPT = 10_000;

/**
 * The jobs of which a runtime had a word already. The error of any other is no job's end: it may reject a submit (R-D-8).
 */
export class KnownJobs {
  readonly #ids = new Set<string>();

  has(job: JobId): boolean {
    return this.#ids.has(job);
  }

  /** Takes note of the job that a message is of, and of the child that a delegation names: its end may be all that comes of it. */
  take(received: Decoded): void {
    const header = received.kind === "ok" ? received.message : received.header;
    if (header?.job_id !== undefined) this.#add(header.job_id);
    if (received.kind !== "ok" || received.message.type !== "job.event") return;
    const { kind, body } = received.message.payload;
    const child = kind === "delegate" ? JobId.safeParse(body["child_job_id"]) : undefined;
    if (child?.success) this.#add(child.data);
  }

  #add(job: JobId): void {
    // The one that was heard of last goes last.
    this.#ids.delete(job);
    this.#ids.add(job);
    const [oldest] = this.#ids;
    if (this.#ids.size > KEPT && oldest !== undefined) this.#ids.delete(oldest);
  }
}
