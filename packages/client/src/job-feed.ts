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

export interface JobFeedOptions {
  readonly jobId: JobId;
  /** The `job_seq` behind which the feed begins. */
  readonly after: number;
  /** Whether it is that of a submit: it has the job from its first event, every acceptance shares it, and nobody leaves it. */
  readonly isSubmitted: boolean;
  /** Characters of the frames whose events are kept in memory. */
  readonly bound: number;
  /** Absent when history cannot be had. */
  readonly history?: HearHistory | undefined;
}

/** What one handle knows of its job: the events in order, each once, and how it ended. */
export class JobFeed {
  readonly jobId: JobId;
  readonly isSubmitted: boolean;
  /** Whether it has the job from its first event. */
  readonly isWhole: boolean;
  readonly credentials = new HeldCredentials();
  readonly gauges = new JobGauges();
  /** Rejects when the job was lost from sight before it ended. */
  readonly outcome: Promise<JobOutcome>;
  readonly #log: EventLog;
  readonly #hasHistory: boolean;
  readonly #ending = Promise.withResolvers<JobOutcome>();
  /** The last `job_seq` that is not wanted (again): a replay for another handle comes by here too (R-7.6-7). */
  #position: number;
  #isNumbered = true;
  /** The ids of the latest events without a number. */
  #seen: LatestNames | undefined;
  #isFinished = false;
  /** Where it was last told that history is lost. */
  #missedAt: number | undefined;

  constructor({ jobId, after, isSubmitted, bound, history }: JobFeedOptions) {
    this.jobId = jobId;
    this.isSubmitted = isSubmitted;
    this.isWhole = after === 0;
    this.#position = after;
    this.#hasHistory = history !== undefined;
    // Without numbers a page could not be told from the rest, and its replay would come to the feed once more.
    const numbered: OpenHistory | undefined =
      history && (async (from) => (this.#isNumbered ? history(from, this.#heard) : undefined));
    this.#log = new EventLog({ after, bound, history: numbered });
    this.outcome = handled(this.#ending.promise);
  }

  /** Whether the job has ended and how is known. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  get events(): AsyncIterable<JobEvent> {
    return this.#log;
  }

  /** The `job_seq` up to which it has everything; undefined when the runtime does not number the events of a job. */
  get position(): number | undefined {
    return this.#isNumbered ? this.#position : undefined;
  }

  /**
   * @param size characters of its frame
   * @param id of its envelope
   */
  append(event: JobEvent, size: number, id: string): void {
    const { jobSeq } = event;
    if (jobSeq !== undefined) {
      if (jobSeq <= this.#position) return;
      this.#position = jobSeq;
      // A submit that is made again in its own session is told only what is new (R-7.2-3); the rest is history.
      if (this.isSubmitted) this.#log.window.skipTo(jobSeq - 1);
    } else if (!isNotice(event)) {
      this.#isNumbered = false;
      // Another handle's history comes by here too, and keeps its ids (R-5.1-3).
      this.#seen ??= new LatestNames(10_000);
      if (this.#seen.has(id)) return;
      this.#seen.add(id);
    }
    this.#log.append(this.#heard(event), size);
  }

  /** What follows the position, up to the next event, is gone for good. */
  missed(): void {
    // Told once, however often it is heard before the next event.
    if (this.#missedAt === this.#position) return;
    this.#missedAt = this.#position;
    this.#log.append(historyLost(this.#position), 0);
  }

  finish(terminal: Envelope<"job.result" | "job.error">): void {
    // A job that had ended comes back with its end alone: what was before is history.
    if (this.#hasHistory) this.#log.window.skipTo((terminal.job_seq ?? 0) - 1);
    this.#isFinished = true;
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

  /** Takes from an event what the handle shows of it. @returns what may be kept: whichever way it came, no secret */
  readonly #heard = (event: JobEvent): JobEvent => {
    this.gauges.take(event);
    return this.credentials.read(event);
  };

  #end(error?: Error): void {
    this.credentials.forget();
    this.#log.end(error);
  }
}

/** What a session says itself has no number in the job, whoever the runtime is (R-6.5-7). */
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
