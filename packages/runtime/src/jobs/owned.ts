import type { SessionId } from "@arcp/core";
import type { JobIndex, ListedJob } from "../store/index.ts";

/** Jobs that are listed in one go. */
const PAGE = 100;

/** All jobs that a session owns, in the order in which they were accepted. */
export async function jobsOf(session: SessionId, jobs: JobIndex): Promise<readonly ListedJob[]> {
  const owned: ListedJob[] = [];
  for (let after: ListedJob | undefined; ; ) {
    const rows = await jobs.list({ session, limit: PAGE, ...(after && { after }) });
    owned.push(...rows);
    after = rows.at(-1);
    if (rows.length < PAGE) return owned;
  }
}
