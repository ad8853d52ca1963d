import { type Decoded, JobId } from "@arcp/core";
import { LatestNames } from "./latest-names.ts";

/**
 * The jobs of which a runtime had a word already. The error of any other is no job's end: it may reject a submit (R-D-8).
 */
export class KnownJobs {
  /** Far more than tell something at the same time. */
  readonly #ids = new LatestNames(10_000);

  has(job: JobId): boolean {
    return this.#ids.has(job);
  }

  /** Takes note of the job that a message is of, and of the child that a delegation names: its end may be all that comes of it. */
  take(received: Decoded): void {
    const header = received.kind === "ok" ? received.message : received.header;
    if (header?.job_id !== undefined) this.#ids.add(header.job_id);
    if (received.kind !== "ok" || received.message.type !== "job.event") return;
    const { kind, body } = received.message.payload;
    const child = kind === "delegate" ? JobId.safeParse(body["child_job_id"]) : undefined;
    if (child?.success) this.#ids.add(child.data);
  }
}
