import { comparePlaces } from "./acceptance-order.ts";
import type { JobQuery, ListedJob } from "./job-index.ts";

/** Whether a job matches a query, apart from the query's limit. */
export function fitsQuery(row: ListedJob, query: JobQuery): boolean {
  const { acceptedAfter = -Infinity, acceptedBefore = Infinity } = query;
  return (
    (query.principal === undefined || row.principal === query.principal) &&
    (query.session === undefined || row.session === query.session) &&
    (query.submittedIn === undefined || row.submittedIn === query.submittedIn) &&
    (query.request === undefined || row.request === query.request) &&
    (query.parent === undefined || row.parent === query.parent) &&
    (query.statuses === undefined || query.statuses.includes(row.status)) &&
    (query.agent === undefined ||
      row.agent === query.agent ||
      row.agent.startsWith(`${query.agent}@`)) &&
    row.acceptedAt > acceptedAfter &&
    row.acceptedAt < acceptedBefore &&
    (query.after === undefined || comparePlaces(row, query.after) > 0)
  );
}
