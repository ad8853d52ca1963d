import type { ClientMessageType, Clock, CloseReason, Envelope } from "@arcp/core";
import type { Logger } from "pino";
import type { AgentRegistry } from "../jobs/agents.ts";
import type { KeyedSubmits } from "../jobs/idempotency.ts";
import type { JobContext } from "../jobs/job.ts";
import type { JobTable } from "../jobs/table.ts";
import type { Tool } from "../jobs/tools.ts";
import type { Limits } from "../limits.ts";
import type { Policy } from "../policy.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Store } from "../store/index.ts";

/** What the verbs of one runtime share. */
export interface Services {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Store;
  readonly policy: Policy;
  readonly limits: Limits;
  readonly agents: AgentRegistry;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly jobs: JobTable;
  readonly keyed: KeyedSubmits;
  readonly sessions: Sessions;
  readonly jobContext: JobContext;
  /** The directory that relative paths of agents belong to; undefined when there is none. */
  readonly workspace: string | undefined;
  /** Whether the runtime takes no new jobs any more. */
  readonly closing: () => boolean;
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
