import {
  ArcpError,
  type Envelope,
  type JobId,
  type Payload,
  type TerminalStatus,
} from "@arcp/core";
import { EventLog } from "./event-log.ts";
import { handled } from "./handled.ts";
import { HeldCredentials } from "./held-credentials.ts";
import type { JobEvent } from "./job-event.ts";
import { JobGauges } from "./job-gauges.ts";

/** How a job ended. */
export type JobOutcome =
  | {
      readonly status: "success";
      /** What the agent returned, null when that was nothing; absent when the result was streamed. */
      readonly result?: unknown;
      /** Present when the result was streamed in chunks. */
      readonly stream?: { readonly id: string /** In bytes. */; readonly size: number | undefined };
      readonly summary: string | undefined;
    }
  | { readonly status: Exclude<TerminalStatus, "success">; readonly error: ArcpError };

/** What one handle knows of its job: the events in order, each once, and how it ended. */
export class JobFeed {
  readonly jobId: JobId;
  /** Whether it holds the job from its first event. */
  readonly whole: boolean;
  readonly events = new EventLog<JobEvent>();
  readonly credentials = new HeldCredentials();
  readonly gauges = new JobGauges();
  /** Rejects when the job was lost from sight before it ended. */
  readonly outcome: Promise<JobOutcome>;
  readonly #ending = Promise.withResolvers<JobOutcome>();
  /** The last `job_seq` that is not wanted (again): a replay for another handle comes by here too (R-7.6-7). */
  #position: number;

  /** @param after the `job_seq` behind which the feed begins */
  constructor(jobId: JobId, after: number, whole: boolean) {
    this.jobId = jobId;
    this.whole = whole;
    this.#position = after;
    this.outcome = handled(this.#ending.promise);
  }

  append(event: JobEvent): void {
    if (event.jobSeq !== undefined) {
      if (event.jobSeq <= this.#position) return;
      this.#position = event.jobSeq;
    }
    this.gauges.take(event);
    this.events.append(this.credentials.read(event));
  }

  finish(terminal: Envelope<"job.result" | "job.error">): void {
    this.#ending.resolve(
      terminal.type === "job.result" ? success(terminal.payload) : failure(terminal.payload),
    );
    this.#end();
  }

  /** The job is no longer in sight, whatever becomes of it: readers get the error, after what was received. */
  fail(error: Error): void {
    this.#ending.reject(error);
    this.#end(error);
  }

  /** The caller looks no longer: readers just end. */
  leave(error: Error): void {
    this.#ending.reject(error);
    this.#end();
  }

  #end(error?: Error): void {
    this.credentials.forget();
    this.events.end(error);
  }
}

function success(payload: Payload<"job.result">): JobOutcome {
  const { result, output, result_id: id, result_size: size, summary } = payload;
  if (id !== undefined) return { status: "success", stream: { id, size }, summary };
  // Go names the result `output`.
  return { status: "success", result: result ?? output ?? null, summary };
}

function failure(payload: Payload<"job.error">): JobOutcome {
  return { status: payload.final_status, error: ArcpError.fromPayload(payload) };
}
