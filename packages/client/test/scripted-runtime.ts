import {
  type ClientMessageType,
  type CloseReason,
  type Dial,
  decode,
  type Envelope,
  encode,
  type JobId,
  type LinkedPair,
  linkedPair,
  ManualClock,
  type MessageId,
  newMessageId,
  type Payload,
  REQUEST_ID_FEATURE,
  type RuntimeMessageType,
  type SessionId,
  TransportClosedError,
} from "@arcp/core";
import { type Client, type ConnectionState, type ConnectOptions, connect } from "../src/index.ts";

export const SESSION = "sess_1" as SessionId;
export const FEATURES = [
  "subscribe",
  "agent_versions",
  "progress",
  "result_chunk",
  "cost.budget",
  "list_jobs",
  REQUEST_ID_FEATURE,
];

/** Seconds; told in a welcome whose features have `heartbeat`. */
export const HEARTBEAT_INTERVAL = 20;

type Extra = { seq?: number; job?: string; jobSeq?: number; session?: string };

/** One message of the runtime as a frame. */
export function frame<T extends RuntimeMessageType>(
  type: T,
  payload: Payload<T>,
  { seq, job, jobSeq, session = SESSION }: Extra = {},
): string {
  const message = {
    id: newMessageId(),
    type,
    session_id: session as SessionId,
    job_id: job as JobId | undefined,
    event_seq: seq,
    job_seq: jobSeq,
    payload,
  };
  return encode(message as unknown as Envelope<T>);
}

/** A status event whose phase tells its number in the job. */
export function event(seq: number, job = "job_1", jobSeq = seq): string {
  const payload = { kind: "status", ts: "2026-01-01T00:00:00.000Z", body: { phase: `p${jobSeq}` } };
  return frame("job.event", payload, { seq, job, jobSeq });
}

export function result(seq: number, value: unknown, job = "job_1", jobSeq = seq): string {
  const payload = { final_status: "success", result: value } as Payload<"job.result">;
  return frame("job.result", payload, { seq, job, jobSeq });
}

export function accepted(request: { id: string }, job = "job_1"): string {
  const payload = {
    request_id: request.id as MessageId,
    job_id: job as JobId,
    agent: "echo",
    lease: {},
  };
  return frame("job.accepted", payload, { job });
}

export function subscribed(
  request: { id: string },
  rest: Partial<Payload<"job.subscribed">> = {},
  job = "job_1",
): string {
  const payload = {
    request_id: request.id as MessageId,
    job_id: job as JobId,
    current_status: "running",
    agent: "echo",
    lease: {},
    parent_job_id: null,
    ...rest,
  };
  return frame("job.subscribed", payload, { job });
}

export function sessionError(code: string, requestId?: string): string {
  return frame("session.error", {
    code,
    message: `scripted ${code}`,
    retryable: false,
    request_id: requestId as MessageId | undefined,
  });
}

/** The runtime's end of one connection, driven by a test. */
export class Connection {
  readonly pair: LinkedPair;
  readonly #frames: AsyncIterator<string>;

  constructor() {
    this.pair = linkedPair();
    this.#frames = this.pair.runtime.frames[Symbol.asyncIterator]();
  }

  /** The client's next message, which must be of this type. */
  async next<T extends ClientMessageType>(type: T): Promise<Envelope<T>> {
    const { value, done } = await this.#frames.next();
    if (done) throw new Error(`the client closed; expected ${type}`);
    const decoded = decode(value);
    if (decoded.kind !== "ok") throw new Error(`expected ${type}, got ${value}`);
    if (decoded.message.type !== type) throw new Error(`expected ${type}, got ${value}`);
    return decoded.message as Envelope<T>;
  }

  /** The client's next frame as it is, whatever it is. */
  anything(): Promise<IteratorResult<string>> {
    return this.#frames.next();
  }

  /** Resolves with the reason when the client has closed; fails when it sends anything before. */
  async closed(): Promise<CloseReason | undefined> {
    try {
      const { done, value } = await this.#frames.next();
      if (!done) throw new Error(`expected the end, got ${value}`);
      return "normal";
    } catch (error) {
      if (error instanceof TransportClosedError) return error.reason;
      throw error;
    }
  }

  /** Sends frames in one write. */
  send(...frames: string[]): void {
    this.pair.runtime.send(frames).catch(() => {});
  }

  /** Resolves once the client has handled all that was sent before; fails when it says anything else meanwhile. */
  async barrier(): Promise<void> {
    const nonce = newMessageId();
    this.send(frame("session.ping", { nonce }));
    const { payload } = await this.next("session.pong");
    if (payload.ping_nonce !== nonce) throw new Error("answered another ping");
  }

  welcome(
    token = "rt_1",
    features: readonly string[] = FEATURES,
    session = SESSION,
    agents: readonly string[] = ["echo"],
  ): void {
    const capabilities = {
      encodings: ["json"],
      features: [...features],
      agents: agents.map((name) => ({ name, versions: [], default: undefined })),
    };
    const payload = {
      runtime: { name: "scripted", version: "1" },
      resume_token: token,
      resume_window_sec: 600,
      ...(features.includes("heartbeat") && { heartbeat_interval_sec: HEARTBEAT_INTERVAL }),
      capabilities,
    };
    this.send(frame("session.welcome", payload, { session }));
  }
}

/** A runtime that does what a test tells it, one connection after the other. */
export class ScriptedRuntime {
  readonly clock = new ManualClock();
  dialled = 0;
  #offered: PromiseWithResolvers<Connection> = Promise.withResolvers();
  #fault: Error | undefined;

  readonly dial: Dial = async () => {
    this.dialled += 1;
    if (this.#fault !== undefined) throw this.#fault;
    const connection = new Connection();
    this.#offered.resolve(connection);
    return connection.pair.client;
  };

  /** Lets dialling fail; undefined lets it work again. */
  refuse(fault: Error | undefined): void {
    this.#fault = fault;
  }

  /** The connection that the client dials next, or has dialled just now. */
  async accept(): Promise<Connection> {
    const connection = await this.#offered.promise;
    this.#offered = Promise.withResolvers();
    return connection;
  }

  connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    return connect(this.dial, { token: "secret", clock: this.clock, ...options });
  }

  /** A client with a session, and the runtime's end of its connection. */
  async online(
    options: Partial<ConnectOptions> = {},
    features?: readonly string[],
  ): Promise<{ client: Client; wire: Connection }> {
    const connecting = this.connect(options);
    const wire = await this.accept();
    await wire.next("session.hello");
    wire.welcome("rt_1", features);
    return { client: await connecting, wire };
  }

  /** Lets the pause pass that the client makes after a drop; the client dials at the end of it. */
  async pass(client: Client): Promise<void> {
    const state = await reached(client, "retrying");
    this.clock.advance(state.in);
  }

  /** Waits for the client to come back and resume, and welcomes it. */
  async resumed(
    client: Client,
    token: string,
  ): Promise<{ wire: Connection; resume: Envelope<"session.resume"> }> {
    await this.pass(client);
    const wire = await this.accept();
    const resume = await wire.next("session.resume");
    wire.welcome(token);
    return { wire, resume };
  }
}

export async function reached<K extends ConnectionState["kind"]>(
  client: Client,
  kind: K,
): Promise<ConnectionState & { kind: K }> {
  for await (const state of client.states) {
    if (state.kind === kind) return state as ConnectionState & { kind: K };
  }
  throw new Error(`never ${kind}`);
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
