import { ArcpError, type Envelope, parseAgentReference } from "@arcp/core";
import { UNFINISHED } from "../jobs/job-state.ts";
import { defaultPolicy } from "../policy.ts";
import type { Session } from "../session/session.ts";
import type { JobQuery, ListedJob } from "../store/index.ts";
import { readCursor } from "./job-cursor.ts";
import { JobPage, MAX_PAGE_BYTES } from "./job-page.ts";
import type { Services, Verb } from "./services.ts";
import { mayObserve, POLICY_FAILED } from "./target.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
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
    await answer(services, session, request);
  });

async function answer(
  services: Services,
  session: Session,
  request: Envelope<"session.list_jobs">,
): Promise<void> {
  const { payload } = request;
  const limit = Math.min(payload.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
  const page = new JobPage(services, limit, payload.filter?.status);
  const { turn } = services.committer;
  for await (const row of rows(services, session.principal, queryOf(payload, limit))) {
    // A long list must not hold up others (J4).
    await turn.spend("answering", ROW_STEPS);
    // Not listed before its acceptance is sent (R-7.1-2).
    if (session.submits.unsaid.has(row.id)) continue;
    await page.add(row);
    if (page.isFull) break;
  }
  session.say({
    type: "session.jobs",
    payload: { request_id: request.id, jobs: page.entries, next_cursor: page.cursor },
  });
}

type ListJobs = Envelope<"session.list_jobs">["payload"];

/** @throws ArcpError `INVALID_REQUEST` (R-6.6-6) */
function queryOf({ filter = {}, cursor }: ListJobs, limit: number): JobQuery {
  const { agent, status, created_after: after, created_before: before } = filter;
  if (agent !== undefined && parseAgentReference(agent) === undefined) {
    throw new ArcpError("INVALID_REQUEST", "payload.filter.agent: must be name or name@version");
  }
  const place = cursor === undefined ? undefined : readCursor(cursor);
  if (cursor !== undefined && place === undefined) {
    throw new ArcpError("INVALID_REQUEST", "payload.cursor: is not a cursor that was issued");
  }
  return {
    limit: limit + 1,
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
    limit = Math.min(scan.limit, Math.ceil((MAX_PAGE_BYTES * read) / characters));
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
