import { formatTimestamp, type JobStatus, type SessionId } from "@arcp/core";
import { listableJob } from "../jobs/finished-job.ts";
import type { Journal } from "../session/journal.ts";
import type { ListedJob, Place } from "../store/index.ts";
import { formatCursor } from "./job-cursor.ts";
import { numberingOf } from "./numbering.ts";
import type { Services } from "./services.ts";

/** The most bytes of all entries of a page together: with the fields around them they fit into one message (R-4.1-7). */
export const MAX_PAGE_BYTES = 1024 * 1024 - 4096;

/** One page of a listing of jobs. */
export class JobPage {
  readonly #services: Services;
  readonly #limit: number;
  readonly #wanted: ReadonlySet<JobStatus> | undefined;
  /** The journals that translate the numbers, by submitting session. */
  readonly #numberings = new Map<SessionId, Journal>();
  readonly #entries: object[] = [];
  #last: Place | undefined;
  #bytes = 0;
  #isFull = false;

  /**
   * @param limit the most entries
   * @param wanted the states of the jobs to list. Default: any
   */
  constructor(services: Services, limit: number, wanted: readonly JobStatus[] | undefined) {
    this.#services = services;
    this.#limit = limit;
    this.#wanted = wanted && new Set(wanted);
  }

  get entries(): readonly object[] {
    return this.#entries;
  }

  /** Whether a job to list did not fit. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Where the next page begins; null if everything fitted. */
  get cursor(): string | null {
    return this.#isFull && this.#last !== undefined ? formatCursor(this.#last) : null;
  }

  /** Adds a job if it fits, unless it is not in a wanted state, is being removed, or cannot be read. */
  async add(row: ListedJob): Promise<void> {
    const live = this.#services.jobs.get(row.id);
    // A job whose end is already on the wire is not listed as running.
    if (live?.live === false) await live.ended;
    const job = await listableJob(this.#services, row);
    const numbering = job && (await this.#numberingOf(job.submittedIn));
    // Read the status once, so that the filter and the entry agree. For a job that another runtime has taken over, the index knows
    // it.
    const status = live?.loss === "fenced" ? row.status : job?.status;
    if (job === undefined || numbering === undefined || status === undefined) return;
    if (this.#wanted !== undefined && !this.#wanted.has(status)) return;
    const entry = {
      job_id: job.id,
      agent: job.agent,
      status,
      lease: job.lease,
      parent_job_id: job.parent ?? null,
      created_at: formatTimestamp(row.acceptedAt),
      trace_id: job.traceId,
      last_event_seq: numbering.lastNumber(job.id),
      last_job_seq: job.lastSeq,
    };
    const bytes = this.#bytes + Buffer.byteLength(JSON.stringify(entry)) + 1;
    const { length } = this.#entries;
    // One entry always fits, however large it is.
    this.#isFull = length >= this.#limit || (length > 0 && bytes > MAX_PAGE_BYTES);
    if (this.#isFull) return;
    this.#bytes = bytes;
    this.#entries.push(entry);
    this.#last = row;
  }

  async #numberingOf(session: SessionId): Promise<Journal> {
    const known = this.#numberings.get(session) ?? (await numberingOf(this.#services, session));
    this.#numberings.set(session, known);
    return known;
  }
}
