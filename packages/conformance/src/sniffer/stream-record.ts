import { type Envelope, isTerminal, type JobId, type JobStatus, jobStatuses } from "@arcp/core";
import type { JsonObject } from "../json-object.ts";
import { contentOf, FollowedJob } from "./followed-job.ts";
import type { SniffedFrame } from "./sniffed-frame.ts";
import type { Report } from "./violation.ts";

/** The stream of one session: which number carried what, and how far each job has got. */
export class StreamRecord {
  /** The content of most records is never needed: they come once. */
  readonly #records = new Map<number, JsonObject>();
  readonly #jobs = new Map<JobId, FollowedJob>();
  readonly #delegated = new Set<string>();
  #highest = 0;

  /** The highest number that arrived. */
  get highest(): number {
    return this.#highest;
  }

  job(id: JobId): FollowedJob | undefined {
    return this.#jobs.get(id);
  }

  /** Whether a `delegate` event has named this job as a child. */
  hasDelegated(child: string): boolean {
    return this.#delegated.has(child);
  }

  /** @param keyed the submit had an idempotency key, so the job may be an older one (R-7.2-8, R-7.2-9) */
  accepted(message: Envelope<"job.accepted">, keyed: boolean): void {
    const { job_id: id, trace_id: traceId } = message.payload;
    const known = this.#jobs.get(id);
    if (known === undefined) this.#jobs.set(id, new FollowedJob(id, traceId, !keyed));
    else if (keyed) known.rewind(0);
  }

  subscribed(
    message: Envelope<"job.subscribed">,
    request: Envelope<"job.subscribe">["payload"],
  ): void {
    const { payload } = message;
    const known = this.#jobs.get(payload.job_id);
    const job = known ?? new FollowedJob(payload.job_id, payload.trace_id, false);
    this.#jobs.set(payload.job_id, job);
    if (request.history === true) {
      const start = request.from_job_seq ?? 0;
      // The end of a finished job comes in any case.
      const end = Math.max(0, (payload.last_job_seq ?? 0) - 1);
      job.rewind(isOver(payload.current_status) ? Math.min(start, end) : start);
    } else if (isOver(payload.current_status)) {
      // The terminal envelope comes again, and only that (R-7.6-6).
      if (known === undefined || known.ended)
        job.rewind(Math.max(0, (payload.last_job_seq ?? 0) - 1));
    } else if (known === undefined) {
      job.rewind(payload.last_job_seq ?? 0);
    }
  }

  /** Checks a stream envelope: as a repetition of an earlier one, or as the next of its job. */
  deliver(frame: SniffedFrame, seq: number, report: Report): void {
    const { raw, message } = frame;
    const before = this.#records.get(seq);
    if (before !== undefined) {
      if (contentOf(before) !== contentOf(raw)) {
        report("R-6.3-8", `event_seq ${seq} has other content than before: ${contentOf(before)}`);
      }
      return;
    }
    this.#records.set(seq, raw);
    if (seq < this.#highest) return;
    this.#highest = seq;
    const id = message.job_id;
    if (id === undefined) return;
    let job = this.#jobs.get(id);
    if (job === undefined) {
      report("R-7.1-2", `${message.type} comes before the acceptance or subscription of ${id}`);
      job = new FollowedJob(id, undefined, false);
      this.#jobs.set(id, job);
    }
    job.firstEventSeq ??= seq;
    job.deliver(frame, report);
    if (message.type === "job.event" && message.payload.kind === "delegate") {
      const child = message.payload.body.child_job_id;
      if (typeof child === "string") this.#delegated.add(child);
    }
  }
}

function isOver(status: string): boolean {
  return jobStatuses.some((known: JobStatus) => known === status && isTerminal(known));
}
