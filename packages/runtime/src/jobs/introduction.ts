import type { JobId, SessionId } from "@arcp/core";
import type { ListedJob } from "../store/index.ts";
import { type Acceptance, acceptanceOf } from "./acceptance.ts";
import { childrenOf } from "./children.ts";
import { jobOf, type Kept } from "./finished-job.ts";

/**
 * The acceptance of a delegated job: undefined when a submit asked for it, since then it is told of in reply to that (R-D-12), and
 * when it is being removed.
 */
export async function introductionOf(id: JobId, kept: Kept): Promise<Acceptance | undefined> {
  return introductionIn(await kept.store.jobs.get(id), kept);
}

/** Those of all jobs that this one has delegated and that the session owns: in the order in which they were accepted. */
export async function introductionsOf(
  parent: JobId,
  session: SessionId,
  kept: Kept,
): Promise<readonly Acceptance[]> {
  const children = await childrenOf(parent, kept.store.jobs);
  const owned = children.filter((row) => row.session === session);
  const introductions = owned.map((row) => introductionIn(row, kept));
  return (await Promise.all(introductions)).filter((one) => one !== undefined);
}

async function introductionIn(
  row: ListedJob | undefined,
  kept: Kept,
): Promise<Acceptance | undefined> {
  if (row === undefined || row.request !== undefined) return undefined;
  return (await jobOf(kept, row)) && acceptanceOf(row);
}
