import { type AgentEntry, type Envelope, type JobId, LocalError, negotiate } from "@arcp/core";
import type { SavedSession } from "./saved-session.ts";
import type { SessionInfo } from "./session-info.ts";

/** Where a number stands: the one that was due, one that was there before, or one too far ahead. */
export type Place = "next" | "seen" | "gap";

/** What must be known of a session to take it up again: its latest token and the last contiguous number. */
export class Session {
  #info: SessionInfo;
  #token: string;
  #position: number;

  constructor(info: SessionInfo, token: string, position = 0) {
    this.#info = info;
    this.#token = token;
    this.#position = position;
  }

  static restored({ session, resumeToken, position }: SavedSession): Session {
    return new Session(session, resumeToken, position);
  }

  get info(): SessionInfo {
    return this.#info;
  }

  /** The most recent resume token (R-6.3-7). */
  get token(): string {
    return this.#token;
  }

  /** The highest `event_seq` up to which nothing is missing. */
  get position(): number {
    return this.#position;
  }

  /** Counts a stream envelope (R-8.3-3, R-8.3-4). */
  take(seq: number): Place {
    if (seq <= this.#position) return "seen";
    if (seq > this.#position + 1) return "gap";
    this.#position = seq;
    return "next";
  }

  /** @param agents that the runtime offers by now; absent when it does not say */
  renew(token: string, agents?: readonly AgentEntry[]): void {
    this.#token = token;
    if (agents !== undefined) this.#info = { ...this.#info, agents };
  }

  /** @param jobs that are followed in it */
  saved(jobs: readonly JobId[]): SavedSession {
    const { info: session, token: resumeToken, position } = this;
    return { version: 1, session, resumeToken, position, jobs };
  }
}

/**
 * Makes a session of a first welcome, or renews the one that was resumed.
 *
 * @param offered the features that this client offered (R-6.2-3)
 * @returns an error with `PROTOCOL_VIOLATION` when the welcome names no session, or another one than was asked for
 */
export function welcomed(
  welcome: Envelope<"session.welcome">,
  offered: readonly string[],
  session: Session | undefined,
): Session | LocalError {
  const { session_id: id, payload } = welcome;
  if (id === undefined) {
    return new LocalError("PROTOCOL_VIOLATION", "the runtime's welcome names no session");
  }
  if (session === undefined) {
    const { features = [], agents = [] } = payload.capabilities;
    return new Session(
      {
        id,
        runtime: payload.runtime,
        features: negotiate(offered, features),
        agents,
        resumeWindowSec: payload.resume_window_sec,
      },
      payload.resume_token,
    );
  }
  if (id !== session.info.id) {
    return new LocalError("PROTOCOL_VIOLATION", "the runtime resumed another session than asked");
  }
  session.renew(payload.resume_token, payload.capabilities.agents);
  return session;
}
