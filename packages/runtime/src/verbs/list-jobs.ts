import {
  ArcpError,
  type Envelope,
  formatTimestamp,
  type JobStatus,
  parseAgentReference,
  type SessionId,
} from "@arcp/core";
import { jobOf } from "../jobs/finished-job.ts";
import { UNFINISHED } from "../jobs/job-state.ts";
import { defaultPolicy } from "../policy.ts";
import type { Journal } from "../session/journal.ts";
import type { Session } from "../session/session.ts";
import { unlessDamaged } from "../store/damage.ts";
import type { JobQuery, ListedJob } from "../store/index.ts";
import { formatCursor, readCursor } from "./job-cursor.ts";
import { numberingOf } from "./numbering.ts";
import type { Services, Verb } from "./services.ts";
import { mayObserve, POLICY_FAILED } from "./target.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** The most bytes of all entries of a page together: with the fields around them they fit into one message (R-4.1-7). */
const MAX_BYTES = 1024 * 1024 - 4096;
/** Rows read per page while others' jobs have to be skipped. */
const SCAN = 256;
/** Rows read before it is known how large they are. */
const FIRST = 16;
/** What a row costs of the turn's budget. More than one step, so that the clock is checked often enough: some leases are large. */
const ROW_STEPS = 4;

/** Lists the jobs that the principal may observe, page by page (section 6.6), one page of a session at a time (R-14-2). */
export const listJobs: Verb<"session.list_jobs"> = (services, { session }, request) =>
  session.listings.run(async () => {
    await session.pressure;
    await page(services, session, request);
  });

async function page(
  services: Services,
  session: Session,
  request: Envelope<"session.list_jobs">,
): Promise<void> {
  const { limit = DEFAULT_LIMIT, filter } = request.payload;
  const entries = new Entries(services);
  const wanted = filter?.status && new Set(filter.status);
  let last: ListedJob | undefined;
  let more = false;
  const { turn } = services.committer;
  for await (const row of rows(services, session.principal, queryOf(request.payload))) {
    // A long list must not hold up others (J4).
    await turn.spend("answering", ROW_STEPS);
    // Not listed before its acceptance is sent (R-7.1-2).
    if (session.submits.unsaid.has(row.id)) continue;
    const added = await entries.add(row, wanted, Math.min(limit, MAX_LIMIT));
    if (added === "full") {
      more = true;
      break;
    }
    if (added === "taken") last = row;
  }
  session.say({
    type: "session.jobs",
    payload: {
      request_id: request.id,
      jobs: entries.taken,
      next_cursor: more && last !== undefined ? formatCursor(last) : null,
    },
  });
}

type ListJobs = Envelope<"session.list_jobs">["payload"];

/** @throws ArcpError `INVALID_REQUEST` (R-6.6-6) */
function queryOf({ filter = {}, cursor, limit = DEFAULT_LIMIT }: ListJobs): JobQuery {
  const { agent, status, created_after: after, created_before: before } = filter;
  if (agent !== undefined && parseAgentReference(agent) === undefined) {
    throw new ArcpError("INVALID_REQUEST", "payload.filter.agent: must be name or name@version");
  }
  const place = cursor === undefined ? undefined : readCursor(cursor);
  if (cursor !== undefined && place === undefined) {
    throw new ArcpError("INVALID_REQUEST", "payload.cursor: is not a cursor that was issued");
  }
  return {
    limit: Math.min(limit, MAX_LIMIT) + 1,
    agent,
    // A running job may have ended without the index knowing, so unfinished rows are read too and the job itself decides.
    statuses: status && [...new Set([...status, ...UNFINISHED])],
    acceptedAfter: after === undefined ? undefined : momentOf(after).floor,
    acceptedBefore: before === undefined ? undefined : momentOf(before).ceiling,
    after: place,
  };
}

/** The surrounding milliseconds since 1970 of a time that may be more precise. */
function momentOf(text: string): { floor: number; ceiling: number } {
  const floor = Date.parse(text.toUpperCase().replace(" ", "T"));
  return { floor, ceiling: /\.\d{3}\d*[1-9]/.test(text) ? floor + 1 : floor };
}

/** The rows of the query that the principal may know of (R-6.6-1, R-6.6-2). */
async function* rows(
  services: Services,
  principal: string,
  query: JobQuery,
): AsyncGenerator<ListedJob> {
  const { store, policy, committer, logger } = services;
  const own = policy.mayObserve === defaultPolicy.mayObserve;
  const scan: JobQuery = own ? { ...query, principal } : { ...query, limit: SCAN };
  let isLogged = false;
  // Logged once: the policy may fail for every job in the store.
  const failed = (err: unknown): void => {
    if (!isLogged) logger.error({ principal, err }, POLICY_FAILED);
    isLogged = true;
  };
  let limit = Math.min(FIRST, scan.limit);
  let read = 0;
  let characters = 0;
  for (let after = query.after; ; ) {
    const page = await store.jobs.list({ ...scan, limit, after });
    for (const row of page) {
      read += 1;
      characters += charactersOf(row);
      if (mayObserve(services, principal, row, failed)) yield row;
    }
    const end = page.at(-1);
    if (end === undefined || page.length < limit) return;
    after = { acceptedAt: end.acceptedAt, id: end.id };
    // Read no more than fits on one page: a thousand large leases would keep a store busy for a second (J4).
    limit = Math.min(scan.limit, Math.ceil((MAX_BYTES * read) / characters));
    await committer.turn.alone();
  }
}

/** The approximate length of an entry, of which only the lease can get long. */
function charactersOf({ lease }: ListedJob): number {
  let characters = 256;
  for (const patterns of Object.values(lease)) {
    for (const pattern of patterns ?? []) characters += pattern.length;
  }
  return characters;
}

/** The entries of one page. */
class Entries {
  readonly taken: object[] = [];
  readonly #services: Services;
  /** The journals that translate the numbers, by submitting session. */
  readonly #numberings = new Map<SessionId, Journal>();
  #bytes = 0;

  constructor(services: Services) {
    this.#services = services;
  }

  /** @returns `passed` for a job that is not in a wanted state, is being removed, or cannot be read */
  async add(
    row: ListedJob,
    wanted: ReadonlySet<JobStatus> | undefined,
    limit: number,
  ): Promise<"taken" | "passed" | "full"> {
    const live = this.#services.jobs.get(row.id);
    // A job whose end is already on the wire is not listed as running.
    if (live?.live === false) await live.ended;
    const job = await unlessDamaged(jobOf(this.#services, row));
    const numbering = job && (await this.#numberingOf(job.submittedIn));
    // Read the status once, so that the filter and the entry agree. For a job that another runtime has taken over, the index knows
    // it.
    const status = live?.loss === "fenced" ? row.status : job?.status;
    if (job === undefined || numbering === undefined || status === undefined) return "passed";
    if (wanted !== undefined && !wanted.has(status)) return "passed";
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
    const bytes = Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (this.taken.length >= limit) return "full";
    if (this.taken.length > 0 && this.#bytes + bytes > MAX_BYTES) return "full";
    this.#bytes += bytes;
    this.taken.push(entry);
    return "taken";
  }

  async #numberingOf(session: SessionId): Promise<Journal> {
    const known = this.#numberings.get(session) ?? (await numberingOf(this.#services, session));
    this.#numberings.set(session, known);
    return known;
  }
}
