import type { Envelope } from "@arcp/core";

/** A welcome, and what shows who sent it. */
export interface Welcome {
  readonly message: Envelope<"session.welcome">;
  /** Whether its envelope has a `timestamp` of its own. */
  readonly isStamped: boolean;
}

/** @param frame that the message was read from, which leaves out what it does not know */
export function welcomeFrom(frame: string, message: Envelope<"session.welcome">): Welcome {
  const envelope: object = JSON.parse(frame);
  return { message, isStamped: "timestamp" in envelope };
}
