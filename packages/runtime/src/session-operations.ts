import type { SessionId } from "@arcp/core";
import { checkReason } from "./reason.ts";
import type { Session } from "./session/session.ts";
import type { Sessions } from "./session/sessions.ts";

/** What an operator sees of a session. */
export interface SessionInfo {
  readonly id: string;
  readonly principal: string;
  /** Whether a client is connected; if not, the session waits for one for the resume window. */
  readonly connected: boolean;
  /** The negotiated features. */
  readonly features: readonly string[];
  /** The highest `event_seq` assigned so far. */
  readonly lastEventSeq: number;
  /** How many jobs it follows. */
  readonly following: number;
}

/** An operator's view of a runtime's sessions. */
export class SessionOperations {
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** All sessions that have not been forgotten. */
  list(): SessionInfo[] {
    return [...this.#sessions].map(describe);
  }

  /** One session; undefined if there is none. */
  get(id: string): SessionInfo | undefined {
    const session = this.#sessions.get(id as SessionId);
    return session && describe(session);
  }

  /**
   * Ends a session for good: its connection is closed with `session.closed` and the reason, its token becomes invalid, and its jobs
   * continue, even with `cancelOrphans`. Resolves when that is durable.
   * @param reason for humans, at most 1,024 characters
   * @returns whether there was such a session
   * @throws LocalError `MISUSE` for a longer reason, or one that is not a string; then the session goes on
   */
  async end(id: string, reason?: string): Promise<boolean> {
    checkReason("end", reason);
    const session = this.#sessions.get(id as SessionId);
    if (session === undefined) return false;
    session.dismiss(reason);
    await this.#sessions.forget(session);
    return true;
  }

  /** The numbers of sessions, for metrics. */
  count(): { readonly connected: number; readonly parked: number } {
    return this.#sessions.count();
  }
}

function describe({ id, principal, connected, features, stream }: Session): SessionInfo {
  const { issued: lastEventSeq, attachments } = stream;
  const following = attachments.size;
  return { id, principal, connected, features: [...features], lastEventSeq, following };
}
