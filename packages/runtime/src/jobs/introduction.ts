import type { JobId } from "@arcp/core";
import { unlessDamaged } from "../store/damage.ts";
import { type Acceptance, acceptanceOf } from "./acceptance.ts";
import { jobOf, type Kept } from "./finished-job.ts";

/**
 * The acceptance of a delegated job: undefined when a submit asked for it, since then it is told of in reply to that (R-D-12), and
 * when it is being removed, or cannot be read.
 */
export async function introductionOf(id: JobId, kept: Kept): Promise<Acceptance | undefined> {
  const row = await unlessDamaged(kept.store.jobs.get(id));
  if (row === undefined || row.request !== undefined) return undefined;
  // Who asks has read the record that tells of it.
  const job = kept.jobs.get(id) ?? (await jobOf(kept, row));
  return job && acceptanceOf(row);
}
