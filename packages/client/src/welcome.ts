import type { Envelope } from "@arcp/core";

/** A welcome, and what reveals its sender. */
export interface Welcome {
  readonly message: Envelope<"session.welcome">;
  /** Whether its envelope has a `timestamp` of its own. */
  readonly isStamped: boolean;
}

/** @param frame the text of the message; decoding has dropped the fields that it does not know */
export function welcomeFrom(frame: string, message: Envelope<"session.welcome">): Welcome {
  const envelope: object = JSON.parse(frame);
  return { message, isStamped: "timestamp" in envelope };
}
