import {
  type JobId,
  newMessageId,
  PROTOCOL_VERSION,
  type RuntimeMessageType,
  type SessionId,
} from "@arcp/core";
import type { OpenVault } from "../authority/vault.ts";

/** An unnumbered message as the runtime says it; the session adds the ids. */
export interface Announcement {
  readonly type: RuntimeMessageType;
  readonly job_id?: JobId;
  readonly trace_id?: string;
  readonly payload: object;
}

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

/** Writes the frame of an announcement. Undefined fields are left out (R-5.2-1). */
export function announce(session: SessionId | undefined, message: Announcement): string {
  return JSON.stringify({
    arcp: PROTOCOL_VERSION,
    id: newMessageId(),
    session_id: session,
    ...message,
  });
}
