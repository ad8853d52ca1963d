import type { Transport } from "@arcp/core";

/** A connection to the runtime under test whose cable is in the kit's hand. */
export interface Line {
  readonly transport: Transport;
  /** Breaks the connection without a word; what is on its way is lost. */
  sever(): void;
  /** Stops reading, so that the runtime has a peer that takes nothing; `release` goes on. */
  stall(): void;
  /** Reads on after `stall`. */
  release(): void;
}

/** A runtime that offers the test agents, and the way to it. */
export interface Target {
  /** A new connection on which nothing was said yet. */
  connect(): Promise<Line>;
  /** Bearer tokens of two principals. */
  readonly tokens: readonly [first: string, second: string];
  /** Its address where it is reached by WebSocket, for scenarios about what no transport shows. */
  readonly url?: string;
  /** Kills the runtime and starts it again on what was durable. Without it these scenarios are not run. */
  restart?(): Promise<void>;
}
