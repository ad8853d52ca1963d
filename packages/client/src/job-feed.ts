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
import type { HearHistory, OpenHistory } from "./history-page.ts";
import { historyLost, type JobEvent } from "./job-event.ts";
import { JobGauges } from "./job-gauges.ts";
import { LatestNames } from "./latest-names.ts";

/** How a job ended. */
export type JobOutcome<Output = unknown> =
  | {
      readonly status: "success";
      /** What the agent returned, null if nothing; absent if the result was streamed. */
      readonly result?: Output;
      /** Present if the result was streamed in chunks. */
      readonly stream?: { readonly id: string /** In bytes. */; readonly size: number | undefined };
      readonly summary: string | undefined;
    }
  | { readonly status: Exclude<TerminalStatus, "success">; readonly error: ArcpError };

export interface JobFeedOptions {
  readonly jobId: JobId;
  /** The `job_seq` after which the feed begins. */
  readonly after: number;
  /** Whether it belongs to a submit: it starts with the first event, all acceptances of the job share it, and it is never left. */
  readonly isSubmitted: boolean;
  /** How many characters of frames are kept in memory as events. */
  readonly bound: number;
  /** Absent if history is not available. */
  readonly history?: HearHistory | undefined;
}

/** What one handle knows of its job: its events in order, each once, and how the job ended. */
export class JobFeed {
  readonly jobId: JobId;
  readonly isSubmitted: boolean;
  /** Whether it starts with the job's first event. */
  readonly isWhole: boolean;
  readonly credentials = new HeldCredentials();
  readonly gauges = new JobGauges();
  /** Rejects if the job was lost from sight before it ended. */
  readonly outcome: Promise<JobOutcome>;
  readonly #log: EventLog;
  readonly #hasHistory: boolean;
  readonly #ending = Promise.withResolvers<JobOutcome>();
  /** Events up to this `job_seq` are ignored: a replay for another handle arrives here too (R-7.6-7). */
  #position: number;
  #isNumbered = true;
  /** The ids of the latest events without a number. */
  #seen: LatestNames | undefined;
  #isFinished = false;
  /** The position at which loss of history was last reported. */
  #missedAt: number | undefined;

  constructor({ jobId, after, isSubmitted, bound, history }: JobFeedOptions) {
    this.jobId = jobId;
    this.isSubmitted = isSubmitted;
    this.isWhole = after === 0;
    this.#position = after;
    this.#hasHistory = history !== undefined;
    // Without numbers, a page's events cannot be told from the others, and its replay would reach the feed a second time.
    const numbered: OpenHistory | undefined =
      history && (async (from) => (this.#isNumbered ? history(from, this.#heard) : undefined));
    this.#log = new EventLog({ after, bound, history: numbered });
    this.outcome = handled(this.#ending.promise);
  }

  /** Whether the job has ended and its outcome is known. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  get events(): AsyncIterable<JobEvent> {
    return this.#log;
  }

  /** The `job_seq` up to which the feed has everything; undefined if the runtime does not number the events of a job. */
  get position(): number | undefined {
    return this.#isNumbered ? this.#position : undefined;
  }

  /**
   * @param size the length of its frame, in characters
   * @param id the id of its envelope
   */
  append(event: JobEvent, size: number, id: string): void {
    const { jobSeq } = event;
    if (jobSeq !== undefined) {
      if (jobSeq <= this.#position) return;
      this.#position = jobSeq;
      // A submit that is repeated in its own session brings only new events (R-7.2-3); the earlier ones are history.
      if (this.isSubmitted) this.#log.window.skipTo(jobSeq - 1);
    } else if (!isNotice(event)) {
      this.#isNumbered = false;
      // The history for another handle arrives here too, with the same ids (R-5.1-3).
      this.#seen ??= new LatestNames(10_000);
      if (this.#seen.has(id)) return;
      this.#seen.add(id);
    }
    this.#log.append(this.#heard(event), size);
  }

  /** Reports that the events after the position, up to the next one, are gone for good. */
  missed(): void {
    // Report it once, however often it is found before the next event.
    if (this.#missedAt === this.#position) return;
    this.#missedAt = this.#position;
    this.#log.append(historyLost(this.#position), 0);
  }

  finish(terminal: Envelope<"job.result" | "job.error">): void {
    // For a job that had already ended, only its end arrives; everything before it is history.
    if (this.#hasHistory) this.#log.window.skipTo((terminal.job_seq ?? 0) - 1);
    this.#isFinished = true;
    this.#ending.resolve(
      terminal.type === "job.result" ? success(terminal.payload) : failure(terminal.payload),
    );
    this.#end();
  }

  /** The job is lost from sight, whatever becomes of it: readers get the error after the events received so far. */
  fail(error: Error): void {
    this.#ending.reject(error);
    this.#end(error);
  }

  /** The caller stops watching: readers end without an error. */
  leave(error: Error): void {
    this.#ending.reject(error);
    this.#end();
  }

  /** Updates what the handle shows. @returns what may be kept of the event, without secrets, whichever way it arrived */
  readonly #heard = (event: JobEvent): JobEvent => {
    this.gauges.take(event);
    return this.credentials.read(event);
  };

  #end(error?: Error): void {
    this.credentials.forget();
    this.#log.end(error);
  }
}

/** An event of the session itself has no number in the job, with any runtime (R-6.5-7). */
function isNotice(event: JobEvent): boolean {
  return event.kind === "status" && event.body.phase === "back_pressure";
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
