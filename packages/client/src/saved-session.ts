import { JobId, SessionId } from "@arcp/core";
import { misuse } from "./misuse.ts";
import type { SessionInfo } from "./session-info.ts";

/**
 * What another process needs to go on with a session. Plain JSON. It holds the resume token, so keep it as secret as a
 * password.
 */
export interface SavedSession {
  /** Of this form. */
  readonly version: 1;
  /** What the runtime said when the session was opened. */
  readonly session: SessionInfo;
  /** What a resume presents. A secret. */
  readonly resumeToken: string;
  /** The `event_seq` up to which everything has arrived. */
  readonly position: number;
  /** The unfinished jobs that the client followed, for `client.job(id)`. */
  readonly jobs: readonly JobId[];
}

/**
 * Writes down the latest state in place of the one before. Called once at a time; a rejection costs the connection, and so
 * does what takes longer than the client's `requestTimeout`.
 */
export type Persist = (saved: SavedSession) => Promise<void> | void;

/** @throws LocalError `MISUSE` for what no client has saved */
export function checkedSaved(saved: SavedSession): SavedSession {
  // Whatever was read from a file: also null.
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
