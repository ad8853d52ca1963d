import { type JobId, LocalError, negotiate } from "@arcp/core";
import { type Dialect, dialectOf } from "./dialect.ts";
import type { SavedSession } from "./saved-session.ts";
import type { SessionInfo } from "./session-info.ts";
import type { Welcome } from "./welcome.ts";

/** On how many connections in a row the same number may be missing before it is given up. */
const MAX_MISSES = 3;

/** Where a number stands: the one that is due, one seen before, or one too far ahead. */
export type Place = "next" | "seen" | "gap";

/** The state needed to resume a session: its latest token and its last contiguous number. */
export class Session {
  #info: SessionInfo;
  #token: string;
  #position: number;
  #dialect: Dialect;
  /** After which position a number was missing, and how often in a row. */
  #gap = { behind: -1, times: 0 };

  constructor(info: SessionInfo, token: string, position = 0) {
    this.#info = info;
    this.#token = token;
    this.#dialect = dialectOf(info);
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

  /** The dialect of its runtime. */
  get dialect(): Dialect {
    return this.#dialect;
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

  /** Notes that the next number is missing on this connection. @returns whether it was missing so often that it is given up */
  missed(): boolean {
    const { behind, times } = this.#gap;
    this.#gap = { behind: this.#position, times: behind === this.#position ? times + 1 : 1 };
    return this.#gap.times >= MAX_MISSES;
  }

  /** Replaces the token. */
  renew(token: string): void {
    this.#token = token;
  }

  /** Takes over what a welcome to this session says. */
  greeted({ message, isStamped }: Welcome): void {
    const { id, payload } = message;
    const { capabilities } = payload;
    const { agents = this.#info.agents } = capabilities;
    this.#token = payload.resume_token;
    // The session keeps its features (R-6.3-16), but gets the current agents, if the welcome lists any.
    this.#info = { ...this.#info, agents, capabilities };
    this.#dialect = dialectOf({ ...this.#info, runtime: payload.runtime, id, isStamped });
  }

  /** @param jobs those that the session follows */
  saved(jobs: readonly JobId[]): SavedSession {
    const { info: session, token: resumeToken, position } = this;
    return { version: 1, session, resumeToken, position, jobs };
  }
}

/**
 * Makes a session from a first welcome, or renews the one that was resumed.
 *
 * @param offered the features that this client offered (R-6.2-3)
 * @returns an error with `PROTOCOL_VIOLATION` if the welcome names no session, or not the requested one
 */
export function welcomed(
  welcome: Welcome,
  offered: readonly string[],
  session: Session | undefined,
): Session | LocalError {
  const { session_id: id, payload } = welcome.message;
  if (id === undefined) {
    return new LocalError("PROTOCOL_VIOLATION", "the runtime's welcome names no session");
  }
  if (session !== undefined && id !== session.info.id) {
    return new LocalError("PROTOCOL_VIOLATION", "the runtime resumed another session than asked");
  }
  const { runtime, capabilities, resume_token, resume_window_sec: resumeWindowSec } = payload;
  const features = negotiate(offered, capabilities.features ?? []);
  const fresh = { id, runtime, features, agents: [], capabilities, resumeWindowSec };
  const known = session ?? new Session(fresh, resume_token);
  known.greeted(welcome);
  return known;
}
