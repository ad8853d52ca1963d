import type { CloseReason } from "@arcp/core";

const codes: Readonly<Record<CloseReason, number>> = {
  normal: 1000,
  "going-away": 1001,
  "not-text": 1003,
  refused: 1008,
  "too-big": 1009,
  fault: 1011,
};

const reasons: ReadonlyMap<number, CloseReason> = new Map([
  [1000, "normal"],
  [1001, "going-away"],
  [1003, "not-text"],
  // Closed without a code, as by the TypeScript SDK.
  [1005, "normal"],
  // Invalid UTF-8 in a text message.
  [1007, "not-text"],
  [1008, "refused"],
  [1009, "too-big"],
  [1011, "fault"],
  // "Service restart" and "try again later", which proxies send.
  [1012, "going-away"],
  [1013, "going-away"],
]);

/** The close code for a reason (R-4.1-11). */
export function closeCode(reason: CloseReason): number {
  return codes[reason];
}

/**
 * The same for a browser, which may send no code below 3000 except 1000: 4000 + n stands for 1000 + n (R-4.1-11).
 */
export function browserCloseCode(reason: CloseReason): number {
  return reason === "normal" ? codes.normal : codes[reason] + 3000;
}

/**
 * The reason that a peer's close code stands for, including the codes of browsers; undefined if it stands for none.
 */
export function closeReason(code: number): CloseReason | undefined {
  return reasons.get(code >= 4000 ? code - 3000 : code);
}

/** Names the option, which says whose limit was exceeded and what to change. */
export const ABOVE_LIMIT = "a message is above maxMessageSize";
