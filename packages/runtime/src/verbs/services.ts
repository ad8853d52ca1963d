import type { ClientMessageType, CloseReason, Envelope } from "@arcp/core";
import type { AdmissionContext } from "../jobs/admission.ts";
import type { KeyedSubmits } from "../jobs/idempotency.ts";
import type { Tool } from "../jobs/tools.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Store } from "../store/index.ts";

/** What the verbs of one runtime share. */
export interface Services extends AdmissionContext {
  readonly store: Store;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly keyed: KeyedSubmits;
  readonly sessions: Sessions;
}

/** Where a request came from: the session and the connection that it arrived on. */
export interface Caller {
  readonly session: Session;
  /** Ends the connection once everything said before has been sent. */
  readonly hangUp: (reason: CloseReason) => void;
}

/** Handles one kind of request. What it throws is answered as a rejection of the request. */
export type Verb<T extends ClientMessageType> = (
  services: Services,
  caller: Caller,
  request: Envelope<T>,
) => void | Promise<void>;
