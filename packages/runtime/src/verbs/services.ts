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

/** Where a request came from: its session and connection. */
export interface Caller {
  readonly session: Session;
  /** Stops reading from the connection, and closes it once earlier requests are answered and `word` is sent. */
  readonly depart: (word?: Announcement) => void;
}

/** Handles one kind of request. If it throws, the request is rejected with that error. */
export type Verb<T extends ClientMessageType> = (
  services: Services,
  caller: Caller,
  request: Envelope<T>,
) => void | Promise<void>;
