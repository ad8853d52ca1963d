import type { Edit } from "../hostile-mutation.ts";

/** Whom a connection claims to be: two principals, `slow` being alice with a token that takes long to check, and four who are nobody. */
export type Claim = "alice" | "bob" | "slow" | "wrong" | "empty" | "none" | "basic";

/** A job, by how many were heard of before it; `foreign` ones are those of the other principal. */
export interface JobChoice {
  readonly of: "own" | "foreign" | "unknown" | "odd";
  readonly nth: number;
}

/** A session to resume, and what is known of it. */
export interface Resumption {
  /** `resume` is a message of its own, the others are hellos (R-6.3-1). */
  readonly form: "resume" | "nested" | "flat";
  readonly of: "own" | "foreign";
  readonly nth: number;
  readonly token: "newest" | "older" | "odd";
  readonly position: "last" | "none" | "lower" | "higher" | "huge" | "negative";
  readonly names: "session" | "nothing" | "other";
}

/** Which features a hello offers. */
export type Offer = "all" | "quiet" | "few" | "none";

/** How a connection is opened: without `resumption` by a fresh hello. */
export interface Greeting {
  readonly as: Claim;
  readonly offer: Offer;
  readonly resumption?: Resumption | undefined;
}

/** What a client has to say once it has a session, or thinks so. */
export type Request =
  | {
      readonly verb: "submit";
      readonly agent: string;
      readonly size: number;
      readonly key?: number | undefined;
      readonly lease?: number | undefined;
      readonly runtimeSec?: number | undefined;
      readonly parent?: JobChoice | undefined;
    }
  | {
      readonly verb: "cancel";
      readonly job: JobChoice;
      readonly named: "both" | "envelope" | "payload" | "differently" | "nowhere";
    }
  | {
      readonly verb: "subscribe";
      readonly job: JobChoice;
      readonly history: boolean;
      readonly from?: "event" | "job" | "both" | undefined;
      readonly position: number;
    }
  | { readonly verb: "unsubscribe"; readonly job: JobChoice }
  | {
      readonly verb: "list";
      readonly limit?: number | undefined;
      readonly cursor?: "last" | "odd" | undefined;
      readonly status?: string | undefined;
    }
  | { readonly verb: "ack"; readonly position: Resumption["position"] }
  | { readonly verb: "ping" | "pong" | "close" | "bye" }
  | { readonly verb: "open"; readonly greeting: Greeting }
  | { readonly verb: "other"; readonly type: string; readonly optional?: boolean | undefined };

/** How a frame gets onto the wire: in one piece, in WebSocket fragments, byte by byte, or in one write with the next one. */
export type Delivery = "whole" | "fragments" | "trickle" | "held";

/** Bytes that carry no frame, and what nobody should take for one. */
export type Nuisance =
  | "binary"
  | "too big"
  | "not UTF-8"
  | "socket ping"
  | "unmasked"
  | "reserved bits"
  | "torn";

/** Text that is no message. */
export const rubbish = {
  empty: "",
  "half an object": '{"arcp":"1.1","id":',
  array: '[{"id":"x"}]',
  deep: "[".repeat(5_000),
  number: "1e999",
} as const;

/**
 * One step of a program. Connections are counted back from the newest one, `at` 0. It is plain JSON: a program can be
 * printed, kept and played again.
 */
export type Action =
  | { readonly do: "open"; readonly greeting?: Greeting; readonly delivery: Delivery }
  | {
      readonly do: "send";
      readonly at: number;
      readonly request: Request;
      readonly id: "fresh" | "repeated" | "none";
      readonly session: "own" | "absent" | "other" | "odd";
      readonly edits: readonly Edit[];
      readonly delivery: Delivery;
    }
  | { readonly do: "babble"; readonly at: number; readonly text: keyof typeof rubbish }
  | { readonly do: "annoy"; readonly at: number; readonly with: Nuisance }
  | {
      readonly do: "socket";
      readonly at: number;
      readonly how: "pause" | "go on" | "half-close" | "destroy" | "close";
    }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "turn"; readonly turns: number }
  | { readonly do: "settle" };

/** The kinds of runtime that there are, by what they keep and allow. */
export type HouseName = "roomy" | "short" | "tight" | "durable" | "slow" | "late";

export interface Program {
  readonly house: HouseName;
  readonly actions: readonly Action[];
}
