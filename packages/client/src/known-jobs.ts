import type { Decoded, Envelope, JobId } from "@arcp/core";
import { LatestNames } from "./latest-names.ts";

/**
 * The jobs that a runtime has already mentioned. An error about any other is not the end of a job, but may reject a submit
 * (R-D-8).
 */
export class KnownJobs {
  /** Far more jobs than are active at the same time. */
  readonly #ids = new LatestNames(10_000);

  /** @param jobs those that the previous process followed */
  constructor(jobs: readonly JobId[]) {
    for (const job of jobs) this.#ids.add(job);
  }

  has(job: string): boolean {
    return this.#ids.has(job);
  }

  /** Notes the job of a message, and the child that a delegation names: of a child, only the end may ever arrive. */
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
