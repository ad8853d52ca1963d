import type { Transport } from "@arcp/core";

/** A connection to the runtime under test that the kit can break or stall. */
export interface Line {
  readonly transport: Transport;
  /** Breaks the connection without a close message; what is in flight is lost. */
  sever(): void;
  /** Stops reading, so that the runtime faces back-pressure, until `release`. */
  stall(): void;
  /** Resumes reading after `stall`. */
  release(): void;
}

/** A runtime that offers the test agents, and the way to it. */
export interface Target {
  /** Opens a new connection, on which nothing has been sent yet. */
  connect(): Promise<Line>;
  /** Bearer tokens of two principals. */
  readonly tokens: readonly [first: string, second: string];
  /** Its address if it is reached by WebSocket, for scenarios about what other transports lack. */
  readonly url?: string;
  /** Kills the runtime and restarts it on its durable store. Without it, scenarios that need a restart are skipped. */
  restart?(): Promise<void>;
}
