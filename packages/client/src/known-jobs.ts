import type { Decoded, Envelope, JobId } from "@arcp/core";
import { LatestNames } from "./latest-names.ts";

/**
 * The jobs of which a runtime had a word already. The error of any other is no job's end: it may reject a submit (R-D-8).
 */
export class KnownJobs {
  /** Far more than tell something at the same time. */
  readonly #ids = new LatestNames(10_000);

  /** @param jobs that the process before heard of */
  constructor(jobs: readonly JobId[]) {
    for (const job of jobs) this.#ids.add(job);
  }

  has(job: string): boolean {
    return this.#ids.has(job);
  }

  /** Takes note of the job that a message is of, and of the child that a delegation names: its end may be all that comes of it. */
  take(received: Decoded): void {
    const header = received.kind === "ok" ? received.message : received.header;
    if (header?.job_id !== undefined) this.#ids.add(header.job_id);
    if (received.kind === "ok") this.#look(received.message);
  }

  #look({ type, payload }: Envelope): void {
    switch (type) {
      case "job.accepted":
      case "job.subscribed":
        this.#ids.add(payload.job_id);
        break;
      case "job.event": {
        const child = payload.kind === "delegate" ? payload.body["child_job_id"] : undefined;
        if (typeof child === "string") this.#ids.add(child);
      }
    }
  }
}
