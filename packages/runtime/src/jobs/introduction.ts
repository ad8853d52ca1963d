import type { JobId } from "@arcp/core";
import { unlessDamaged } from "../store/damage.ts";
import { type Acceptance, acceptanceOf } from "./acceptance.ts";
import { jobOf, type Kept } from "./finished-job.ts";

/**
 * The acceptance of a delegated job for its owner. Undefined if a submit asked for the job, because the reply to that announces it
 * (R-D-12), and if the job is being removed or cannot be read.
 */
export async function introductionOf(id: JobId, kept: Kept): Promise<Acceptance | undefined> {
  const row = await unlessDamaged(kept.store.jobs.get(id));
  if (row === undefined || row.request !== undefined) return undefined;
  // No need to wait, or to doubt that it exists: the caller has read the record that announces the job.
  const isThere = kept.jobs.get(id) !== undefined || kept.jobs.isStranded(id);
  return isThere || (await jobOf(kept, row)) ? acceptanceOf(row) : undefined;
}
