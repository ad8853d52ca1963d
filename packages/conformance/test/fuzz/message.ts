import { features, REQUEST_ID_FEATURE } from "@arcp/core";
import type { Claim, Greeting, JobChoice, Offer, Request, Resumption } from "./action.ts";

export const tokens = {
  alice: "token-of-alice",
  slow: "slow-token-of-alice",
  bob: "token-of-bob",
  carol: "token-of-carol",
} as const;

export const principals: Readonly<Record<string, string>> = {
  [tokens.alice]: "alice",
  [tokens.slow]: "alice",
  [tokens.bob]: "bob",
  [tokens.carol]: "carol",
};

/** A lease each that is granted, or refused. */
export const leases: readonly object[] = [
  { "agent.delegate": ["**"], "tool.call": ["web.*"], "cost.budget": ["USD:0.55"] },
  { "agent.delegate": ["*"] },
  { "cost.budget": ["USD:1.00", "USD:x"] },
  { "fs.reed": ["**"] },
  { "tool.call": ["a", "b", "c", "d", "e", "f", "g", "h", "i"] },
];

const offers: Readonly<Record<Offer, readonly string[]>> = {
  all: [...features, REQUEST_ID_FEATURE],
  quiet: [...features.filter((name) => name !== "heartbeat"), REQUEST_ID_FEATURE],
  few: ["subscribe", "ack", REQUEST_ID_FEATURE],
  none: [REQUEST_ID_FEATURE],
};

/** What a client knows of a session that it may resume. */
export interface Known {
  readonly id: string;
  readonly principal: string;
  /** In the order in which they were given. */
  readonly tokens: readonly string[];
  /** The highest number that came. */
  readonly last: number;
}

/** What a program has heard of so far, as one of its clients sees it. */
export interface Lore {
  job(choice: JobChoice): string;
  session(of: "own" | "foreign", nth: number): Known | undefined;
  /** The client's own session. */
  readonly here: Known | undefined;
  /** The cursor of its last listing. */
  readonly cursor: string | undefined;
  /** Idempotency keys are told apart by who made them. */
  readonly principal: string;
}

export interface Said {
  readonly type: string;
  readonly payload: object;
  readonly job_id?: string;
  readonly extensions?: object;
}

function auth(as: Claim): object {
  if (as === "none") return {};
  if (as === "alice" || as === "bob" || as === "slow")
    return { auth: { scheme: "bearer", token: tokens[as] } };
  if (as === "basic") return { auth: { scheme: "basic", token: tokens.alice } };
  return { auth: { scheme: "bearer", token: as === "empty" ? "" : "token-of-nobody" } };
}

export function positionOf(position: Resumption["position"], last: number): number | undefined {
  return {
    last,
    none: undefined,
    lower: Math.floor(last / 2),
    higher: last + 1_000,
    huge: Number.MAX_SAFE_INTEGER,
    negative: -1,
  }[position];
}

/** The opening request in the form that was asked for. */
export function opening({ as, offer, resumption }: Greeting, lore: Lore): Said {
  const client = { name: "fuzz", version: "1.0.0" };
  const hello = { client, ...auth(as), capabilities: { features: offers[offer] } };
  if (resumption === undefined) return { type: "session.hello", payload: hello };
  const { form, of, nth, token, position, names } = resumption;
  const known = lore.session(of, nth);
  const given = known?.tokens.at(token === "older" ? -2 : -1);
  const resume_token = token === "odd" ? "rt_odd" : (given ?? "rt_none");
  const last_event_seq = positionOf(position, known?.last ?? 0);
  const session_id = { session: known?.id, nothing: undefined, other: "sess_other" }[names];
  const place = { resume_token, last_event_seq };
  if (form === "flat") return { type: "session.hello", payload: { ...hello, ...place } };
  if (form === "resume") {
    return { type: "session.resume", payload: { ...hello, ...place, session_id } };
  }
  const resume = { ...place, session_id: session_id ?? known?.id ?? "sess_none" };
  return { type: "session.hello", payload: { ...hello, resume } };
}

function submit(
  { agent, size, key, lease, runtimeSec, parent }: Request & { verb: "submit" },
  lore: Lore,
): Said {
  return {
    type: "job.submit",
    payload: {
      agent,
      input: { size },
      ...(key !== undefined && { idempotency_key: `${lore.principal}-key-${key}` }),
      ...(lease !== undefined && { lease_request: leases[lease % leases.length] }),
      ...(runtimeSec !== undefined && { max_runtime_sec: runtimeSec }),
      ...(parent !== undefined && { parent_job_id: lore.job(parent) }),
    },
  };
}

function cancel({ job, named }: Request & { verb: "cancel" }, lore: Lore): Said {
  const job_id = lore.job(job);
  const inPayload = named === "both" || named === "payload" || named === "differently";
  const inEnvelope = named === "both" || named === "envelope" || named === "differently";
  return {
    type: "job.cancel",
    ...(inEnvelope && { job_id: named === "differently" ? "job_other" : job_id }),
    payload: { ...(inPayload && { job_id }), reason: "no more of this" },
  };
}

function subscribe(
  { job, history, from, position }: Request & { verb: "subscribe" },
  lore: Lore,
): Said {
  const job_id = lore.job(job);
  return {
    type: "job.subscribe",
    job_id,
    payload: {
      job_id,
      history,
      ...((from === "event" || from === "both") && { from_event_seq: position }),
      ...((from === "job" || from === "both") && { from_job_seq: position }),
    },
  };
}

/** @param id of the envelope, which a ping repeats as its nonce */
export function said(request: Request, id: string, lore: Lore): Said {
  switch (request.verb) {
    case "submit":
      return submit(request, lore);
    case "cancel":
      return cancel(request, lore);
    case "subscribe":
      return subscribe(request, lore);
    case "unsubscribe": {
      const job_id = lore.job(request.job);
      return { type: "job.unsubscribe", job_id, payload: { job_id } };
    }
    case "list": {
      const { limit, status, cursor } = request;
      const page = cursor === "odd" ? "bm90IGEgY3Vyc29y" : cursor && lore.cursor;
      return {
        type: "session.list_jobs",
        payload: {
          ...(limit !== undefined && { limit }),
          ...(page !== undefined && { cursor: page }),
          ...(status !== undefined && { filter: { status: [status] } }),
        },
      };
    }
    case "ack": {
      const last = positionOf(request.position, lore.here?.last ?? 0);
      return { type: "session.ack", payload: { last_processed_seq: last } };
    }
    case "ping":
      return {
        type: "session.ping",
        payload: { nonce: id, sent_at: "2026-11-02T08:16:00.000Z" },
      };
    case "pong":
      return {
        type: "session.pong",
        payload: { ping_nonce: id, received_at: "2026-11-02T08:16:00.000Z" },
      };
    case "close":
    case "bye":
      return { type: `session.${request.verb}`, payload: { reason: "done" } };
    case "open":
      return opening(request.greeting, lore);
    case "other":
      return {
        type: request.type,
        payload: {},
        ...(request.optional !== undefined && { extensions: { optional: request.optional } }),
      };
  }
}
