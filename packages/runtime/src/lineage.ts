import type { JobId } from "@arcp/core";

/**
 * The jobs above a delegated one, its parent first, each with the `job_seq` of the record that tells of the one below it;
 * infinite where nobody remembers. Empty for a job that a client submitted.
 */
export type Lineage = ReadonlyArray<{ readonly job: JobId; readonly announcedAt: number }>;
