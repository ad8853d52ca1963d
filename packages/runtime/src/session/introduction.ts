import type { JobId } from "@arcp/core";
import type { Announcement } from "../announcement.ts";
import type { OpenVault } from "../authority/vault.ts";

/** The acceptance of a job that its owner did not submit: another job delegated it. */
export type Introduction = Announcement & { readonly job_id: JobId };

/** A delegated job as its owner first encounters it. */
export interface Newcomer {
  readonly introduction: Introduction;
  /**
   * Set if the job was delegated before its owner came to own it: its log is then optional history, of which this is kept.
   * Undefined if the whole log is required.
   */
  readonly history: { readonly floor: number; readonly head: number } | undefined;
}

/**
 * Adds the current credentials to a message, if this viewer may see them: while the job lives, for its submitter, if the feature
 * was negotiated (R-6.2-5, R-9.8-12).
 */
export function withCredentials(
  message: Announcement,
  features: ReadonlySet<string>,
  vault: OpenVault,
): Announcement {
  const { type, job_id: job, payload } = message;
  if (job === undefined || (type !== "job.accepted" && type !== "job.subscribed")) return message;
  if (!features.has("provisioned_credentials")) return message;
  const credentials = vault.shown(job);
  return credentials.length === 0 ? message : { ...message, payload: { ...payload, credentials } };
}
