import type { JobId } from "@arcp/core";

/**
 * The ancestors of a delegated job, parent first, each with the `job_seq` of the record that announces the next job down; infinite
 * if that is no longer known. Empty for a job that a client submitted.
 */
export type Lineage = ReadonlyArray<{ readonly job: JobId; readonly announcedAt: number }>;
