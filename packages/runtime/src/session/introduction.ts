import type { JobId } from "@arcp/core";
import type { Announcement } from "../announcement.ts";
import type { OpenVault } from "../authority/vault.ts";

/** The acceptance of a job that its owner did not ask for: another job delegated it. */
export type Introduction = Announcement & { readonly job_id: JobId };

/** A delegated job as its owner comes across it. */
export interface Newcomer {
  readonly introduction: Introduction;
  /**
   * What is kept of a log that is only an extra: the job was delegated before its owner was its own. Undefined where all of
   * it has to be there.
   */
  readonly history: { readonly floor: number; readonly head: number } | undefined;
}

/**
 * What is said of a job as this viewer may hear it: with the credentials of now while the job lives, for whoever
 * submitted it and agreed on the feature (R-6.2-5, R-9.8-12).
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
