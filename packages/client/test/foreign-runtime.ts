import { randomUUID } from "node:crypto";
import {
  type ClientMessageType,
  type Envelope,
  features as everyFeature,
  newMessageId,
} from "@arcp/core";
import type { Client, ConnectOptions, Job } from "../src/index.ts";
import { type Connection, ScriptedRuntime, SESSION } from "./scripted-runtime.ts";

/** How the runtime of one SDK writes its envelopes and its welcome. */
export interface Sdk {
  readonly name: string;
  readonly newId: () => string;
  /** What its envelopes have besides. */
  readonly stamp?: () => object;
  readonly agents?: readonly unknown[];
  readonly features?: readonly string[];
}

/** What the scripted client offers and most runtimes here agree to; no heartbeats, which would only add noise. */
const negotiated = everyFeature.filter((name) => name !== "heartbeat" && name !== "ack");

export const typescript: Sdk = {
  name: "typescript",
  newId: () => newMessageId("msg_"),
  agents: ["echo", { name: "indexer", versions: ["1.0", "2.0"], default: "2.0" }],
};
export const java: Sdk = {
  name: "java",
  newId: () => newMessageId(""),
  agents: [{ name: "echo", versions: [] }],
};
export const go: Sdk = {
  name: "go",
  newId: randomUUID,
  agents: [{ name: "echo", bare: true }],
};
export const csharp: Sdk = {
  name: "csharp",
  newId: () => newMessageId("msg_"),
  stamp: () => ({ timestamp: "2026-11-02T08:15:30.2500000+00:00" }),
  agents: [{ name: "echo" }],
  // All that it knows, whatever was offered.
  features: [...negotiated, "x-csharp.more"],
};
/** A runtime that was written after the draft alone. */
export const draft: Sdk = { name: "draft", newId: () => `m-${randomUUID()}` };

export const sdks: readonly Sdk[] = [typescript, java, go, csharp, draft];

/** One connection of a foreign runtime: what it says is written by hand, field by field. */
export class ForeignWire {
  readonly connection: Connection;
  readonly #sdk: Sdk;

  constructor(connection: Connection, sdk: Sdk) {
    this.connection = connection;
    this.#sdk = sdk;
  }

  /** The client's next message, which must be of this type. */
  next<T extends ClientMessageType>(type: T): Promise<Envelope<T>> {
    return this.connection.next(type);
  }

  frame(type: string, payload: object, header: object = {}): string {
    const id = this.#sdk.newId();
    const stamp = this.#sdk.stamp?.();
    return JSON.stringify({
      arcp: "1.1",
      id,
      ...stamp,
      type,
      session_id: SESSION,
      ...header,
      payload,
    });
  }

  say(type: string, payload: object, header: object = {}): void {
    this.connection.send(this.frame(type, payload, header));
  }

  welcome(token = "rt_1", session: string = SESSION): void {
    const { agents = [], features = negotiated } = this.#sdk;
    const payload = {
      runtime: { name: "scripted", version: "1" },
      resume_token: token,
      resume_window_sec: 600,
      capabilities: { encodings: ["json"], features, agents },
    };
    this.say("session.welcome", payload, { session_id: session });
  }

  /** As no published runtime does otherwise: no request is named. */
  accept(job: string, header: object = {}): void {
    const payload = { job_id: job, agent: "echo", lease: {}, accepted_at: "2026-11-02T08:15:30Z" };
    this.say("job.accepted", payload, { job_id: job, ...header });
  }

  event(seq: number, job: string, phase: string, header: object = {}): void {
    this.connection.send(this.eventFrame(seq, job, phase, header));
  }

  eventFrame(seq: number, job: string, phase: string, header: object = {}): string {
    const payload = { kind: "status", ts: "2026-11-02T09:15:30.25+01:00", body: { phase } };
    return this.frame("job.event", payload, { job_id: job, event_seq: seq, ...header });
  }

  result(seq: number, job: string, payload: object = { result: job }): void {
    const terminal = { final_status: "success", ...payload };
    this.say("job.result", terminal, { job_id: job, event_seq: seq });
  }

  /** What a job fails with, or, without a number, what rejects a request. */
  jobError(code: string, header: object, payload: object = {}): void {
    this.say("job.error", { final_status: "error", ...problem(code), ...payload }, header);
  }

  sessionError(code: string, payload: object = {}): void {
    this.say("session.error", { ...problem(code), ...payload });
  }

  /** Resolves once the client has handled all that was sent before; fails when it says anything else meanwhile. */
  barrier(): Promise<void> {
    return this.connection.barrier();
  }

  sever(): void {
    this.connection.pair.sever();
  }
}

export function problem(code: string): object {
  return { code, message: `scripted ${code}`, retryable: false };
}

/** What tells status events apart. */
export function phases(events: readonly { readonly kind: string; readonly body: object }[]) {
  return events.map(({ body }) => ("phase" in body ? body.phase : undefined));
}

export class ForeignRuntime extends ScriptedRuntime {
  readonly #sdk: Sdk;

  constructor(sdk: Sdk) {
    super();
    this.#sdk = sdk;
  }

  async wire(): Promise<ForeignWire> {
    return new ForeignWire(await this.accept(), this.#sdk);
  }

  async greeted(options: Partial<ConnectOptions> = {}): Promise<{
    client: Client;
    wire: ForeignWire;
  }> {
    const connecting = this.connect(options);
    const wire = await this.wire();
    await wire.next("session.hello");
    wire.welcome();
    return { client: await connecting, wire };
  }

  /** A client with a job that runs, `job_1`. */
  async running(options: Partial<ConnectOptions> = {}): Promise<{
    client: Client;
    wire: ForeignWire;
    job: Job;
  }> {
    const { client, wire } = await this.greeted(options);
    const submitting = client.submit("echo", 1);
    await wire.next("job.submit");
    wire.accept("job_1");
    return { client, wire, job: await submitting };
  }

  /** The connection on which the client comes back after a drop, with nothing said on it. */
  async again(client: Client): Promise<ForeignWire> {
    await this.pass(client);
    return this.wire();
  }
}
