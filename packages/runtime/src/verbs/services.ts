import type { ClientMessageType, Envelope } from "@arcp/core";
import type { AgentHost } from "../agents/agent-host.ts";
import type { Announcement } from "../announcement.ts";
import type { Vault } from "../authority/vault.ts";
import type { KeyedSubmits } from "../jobs/idempotency.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import type { ReadableStore } from "../store/readable-logs.ts";

/** What the verbs of one runtime share. */
export interface Services extends AgentHost {
  readonly store: ReadableStore;
  readonly keyed: KeyedSubmits;
  readonly sessions: Sessions;
  readonly vault: Vault;
}

/** Where a request came from: the session and the connection that it arrived on. */
export interface Caller {
  readonly session: Session;
  /** Reads nothing more on the connection, and ends it once what was asked on it before is answered and `word` is said. */
  readonly depart: (word?: Announcement) => void;
}

/** Handles one kind of request. What it throws is answered as a rejection of the request. */
export type Verb<T extends ClientMessageType> = (
  services: Services,
  caller: Caller,
  request: Envelope<T>,
) => void | Promise<void>;
