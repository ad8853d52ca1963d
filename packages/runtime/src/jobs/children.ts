import type { JobId, JobStatus, SessionId } from "@arcp/core";
import type { JobIndex, ListedJob } from "../store/index.ts";

/** Jobs listed per page. */
const PAGE = 100;

/**
 * All jobs that a job has delegated, whoever owns them, in the order of their acceptance.
 * @param statuses only jobs that are in one of these states in the index
 */
export async function childrenOf(
  parent: JobId,
  jobs: JobIndex,
  statuses?: readonly JobStatus[],
): Promise<readonly ListedJob[]> {
  const children: ListedJob[] = [];
  for (let after: ListedJob | undefined; ; ) {
    const rows = await jobs.list({ parent, statuses, after, limit: PAGE });
    children.push(...rows);
    after = rows.at(-1);
    if (rows.length < PAGE) return children;
  }
}

/** The children that a session owns. */
export async function ownedChildrenOf(
  parent: JobId,
  session: SessionId,
  jobs: JobIndex,
): Promise<readonly JobId[]> {
  const children = await childrenOf(parent, jobs);
  return children.filter((row) => row.session === session).map(({ id }) => id);
}
