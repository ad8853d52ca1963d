import type { TestSettings } from "../test-agents/settings.ts";

/** What is known of the runtime under test before the first scenario. */
export interface Facts {
  readonly runtime: string;
  /** Seconds that a session survives without a connection. */
  readonly resumeWindowSec: number;
  /** Seconds between two signs of life; undefined if heartbeats are not offered. */
  readonly heartbeatIntervalSec: number | undefined;
  /** What it offers to a client that asks for everything. */
  readonly features: ReadonlySet<string>;
  /** Names of the agents that it offers to the first principal. */
  readonly agents: ReadonlySet<string>;
  readonly settings: Required<TestSettings>;
  /** Its address, if it is reached by WebSocket. */
  readonly url: string | undefined;
  /** Whether it can be killed and restarted. */
  readonly restarts: boolean;
}
