import { JobId, SessionId } from "@arcp/core";
import { misuse } from "./misuse.ts";
import type { SessionInfo } from "./session-info.ts";

/**
 * What another process needs to continue a session, as plain JSON. It contains the resume token, so keep it as secret as a
 * password.
 */
export interface SavedSession {
  /** The version of this format. */
  readonly version: 1;
  /** What the runtime said when the session was opened. */
  readonly session: SessionInfo;
  /** Authorizes resuming the session. A secret. */
  readonly resumeToken: string;
  /** The `event_seq` up to which everything has arrived. */
  readonly position: number;
  /** The unfinished jobs that the client followed, for `client.job(id)`. */
  readonly jobs: readonly JobId[];
}

/**
 * Stores the latest state in place of the previous one. Never called concurrently. If it rejects, or takes longer than the
 * client's `requestTimeout`, the client drops the connection.
 */
export type Persist = (saved: SavedSession) => Promise<void> | void;

/** @throws LocalError `MISUSE` for anything that is not a session saved by a client */
export function checkedSaved(saved: SavedSession): SavedSession {
  // It may be anything that was read from a file, even null.
  const { version, session, resumeToken, position, jobs }: Partial<SavedSession> = saved ?? {};
  const isWhole =
    version === 1 &&
    SessionId.safeParse(session?.id).success &&
    Array.isArray(session?.features) &&
    typeof resumeToken === "string" &&
    typeof position === "number" &&
    Number.isSafeInteger(position) &&
    position >= 0 &&
    Array.isArray(jobs) &&
    jobs.every((job) => JobId.safeParse(job).success);
  if (isWhole) return saved;
  throw misuse("restore takes a version 1 session from persist or save()");
}
