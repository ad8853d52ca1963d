import type { configurations } from "./configurations.ts";

/** A mistake that is injected into the model, and the invariant or requirement whose check must detect it. */
export interface Fault {
  /** The smallest configuration in which it shows. */
  readonly where: keyof typeof configurations;
  readonly breaks: string;
  readonly what: string;
}

/** What would be wrong in the runtime if it were built that way. */
export const faults = {
  "two-endings": {
    where: "endings",
    breaks: "J3",
    what: "an ending is recorded though another one has won",
  },
  "unfenced-append": {
    where: "endings",
    breaks: "J1",
    what: "the store appends wherever its log ends",
  },
  "read-undurable": {
    where: "failure",
    breaks: "J2",
    what: "a projector reads what is accepted and not durable",
  },
  "send-before-commit": {
    where: "failure",
    breaks: "P1",
    what: "frames leave before their runs are durable",
  },
  "run-over-hidden": {
    where: "hidden",
    breaks: "P1",
    what: "a run goes on across a record that the viewer may not see",
  },
  unsealed: { where: "failure", breaks: "P1", what: "runs of a commit that failed are built upon" },
  "stopped-forgets": {
    where: "two jobs",
    breaks: "P1",
    what: "a stopped projector forgets the runs that it committed",
  },
  "shared-numbers": { where: "observer", breaks: "P1", what: "sessions count with one counter" },
  "replay-short": {
    where: "acks",
    breaks: "R-8.3-1",
    what: "a resume replays from what was issued, not from what arrived",
  },
  "resend-under-new-number": {
    where: "failure",
    breaks: "P1",
    what: "a restart reads each job from where its attachment began",
  },
  "issued-kept": {
    where: "failure",
    breaks: "P2",
    what: "a claim leaves the number of the last parking in the row",
  },
  "issued-guessed": {
    where: "failure",
    breaks: "P1",
    what: "a restart counts from where the last run begins",
  },
  "run-repointed": {
    where: "two jobs",
    breaks: "P1",
    what: "a run is re-pointed after something was sent under it",
  },
  "features-repinned": {
    where: "drops",
    breaks: "P2",
    what: "what a viewer may see is decided by the features of its resume",
  },
  "skip-visible": {
    where: "failure",
    breaks: "P3",
    what: "a cursor moves past a record that waits for a number",
  },
  "skip-evicted": {
    where: "eviction",
    breaks: "P3",
    what: "a cursor below the floor begins at the floor",
  },
  "secret-logged": {
    where: "observer",
    breaks: "P4",
    what: "a rotated credential's record holds its value",
  },
  "secret-to-all": {
    where: "observer",
    breaks: "P4",
    what: "an observer is given a rotated credential",
  },
  "epoch-kept": {
    where: "drops",
    breaks: "P5",
    what: "a resume neither raises the epoch nor stops who is connected",
  },
  "epoch-unchecked": {
    where: "drops",
    breaks: "P5",
    what: "the store takes a commit of an older epoch",
  },
  "token-voided": {
    where: "drops",
    breaks: "R-6.3-7",
    what: "a resume voids the token that it was asked with at once",
  },
  "replay-truncated": {
    where: "eviction",
    breaks: "R-8.3-1",
    what: "a resume replays what the log still holds of what it was asked for",
  },
  "trim-unread": {
    where: "acks of two jobs",
    breaks: "R-6.3-9",
    what: "a journal is trimmed up to what was issued, not to what was acknowledged",
  },
  "answered-undurable": {
    where: "restart",
    breaks: "liveness",
    what: "a subscription is answered before it is durable",
  },
  "word-lost": {
    where: "eviction",
    breaks: "liveness",
    what: "that a subscription is lost is said once, on a connection that may be gone",
  },
  deaf: {
    where: "eviction",
    breaks: "liveness",
    what: "a subscription that was lost is lost without a word",
  },
} satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;

/** What a check found, starting with the invariant. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}
