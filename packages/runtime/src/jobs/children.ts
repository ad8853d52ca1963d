import type { JobId, JobStatus, SessionId } from "@arcp/core";
import type { JobIndex, ListedJob, LogStore } from "../store/index.ts";
import { delegatedIn } from "../store/record-text.ts";

/** Jobs that are listed in one go. */
const PAGE = 100;

/** Records that are read in one go. */
const RECORDS = { records: 256, characters: 1024 * 1024 };

/**
 * All jobs that a job has delegated, whoever owns them, in the order in which they were accepted.
 * @param statuses only those that are in one of these by the index
 */
export async function childrenOf(
  parent: JobId,
  jobs: JobIndex,
  statuses?: readonly JobStatus[],
): Promise<readonly ListedJob[]> {
  const children: ListedJob[] = [];
  for (let after: ListedJob | undefined; ; ) {
    const rows = await jobs.list({
      parent,
      limit: PAGE,
      ...(statuses && { statuses }),
      ...(after && { after }),
    });
    children.push(...rows);
    after = rows.at(-1);
    if (rows.length < PAGE) return children;
  }
}

/** Those of them that a session owns. */
export async function ownedChildrenOf(
  parent: JobId,
  session: SessionId,
  jobs: JobIndex,
): Promise<readonly JobId[]> {
  const children = await childrenOf(parent, jobs);
  return children.filter((row) => row.session === session).map(({ id }) => id);
}

/** Those that its log tells of (R-10-2); undefined where the log has lost its beginning, and nobody knows. */
export async function toldChildrenOf(
  parent: JobId,
  logs: LogStore,
): Promise<ReadonlySet<JobId> | undefined> {
  const told = new Set<JobId>();
  for (let cursor = 0; ; ) {
    const { floor, head, records } = await logs.read(parent, cursor, RECORDS);
    for (const record of records) {
      const child = record.kind === "delegate" ? delegatedIn(record) : undefined;
      if (child !== undefined) told.add(child);
      record.long?.giveBack();
    }
    if (floor > 0) return undefined;
    cursor += records.length;
    if (cursor >= head) return told;
  }
}
