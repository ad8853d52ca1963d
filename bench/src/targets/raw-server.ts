import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { Gates, OPENER, type OpenerInput, STEPPER, type StepperInput } from "./agents.ts";
import { newId, newTraceId, type RawJob } from "./raw-record.ts";
import { RawSession } from "./raw-session.ts";

/** Sends a job's stream to all who follow it: its records, the running notice first and the result last. */
export type SendStream = (followers: readonly RawSession[], job: RawJob) => Promise<void>;

interface ClientMessage {
  readonly id: string;
  readonly type: string;
  readonly job_id?: string;
  readonly payload: {
    readonly agent?: string;
    readonly input?: Partial<StepperInput & OpenerInput>;
  };
}

/**
 * A server without a protocol: as much of the wire as the generator speaks, without a check of anything, and without a
 * thing that is kept.
 */
export class RawServer {
  readonly #sendStream: SendStream;
  readonly #gates = new Gates();
  /** Of the jobs that wait at a gate. */
  readonly #waiting = new Map<string, { readonly job: RawJob; readonly followers: RawSession[] }>();

  constructor(sendStream: SendStream) {
    this.#sendStream = sendStream;
  }

  /** @returns the URL to connect to */
  async listen(): Promise<string> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
    server.on("connection", (ws, { socket }) => {
      const session = new RawSession(ws, socket);
      ws.on("message", (data) => this.#handle(session, JSON.parse(String(data)) as ClientMessage));
    });
    await once(server, "listening");
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
  }

  #handle(session: RawSession, message: ClientMessage): void {
    switch (message.type) {
      case "session.hello":
        return session.say("session.welcome", welcome());
      case "job.submit":
        return this.#submit(session, message);
      case "job.subscribe":
        return this.#subscribe(session, message);
      case "session.ping":
        return session.say("session.pong", { request_id: message.id });
    }
  }

  #submit(session: RawSession, { id, payload }: ClientMessage): void {
    const { agent = STEPPER, input: { events = 0, gate } = {} } = payload;
    const job = { id: newId("job_"), traceId: newTraceId(), events };
    const followers = [session];
    session.say("job.accepted", acceptance(job, id, agent), job);
    const opens = agent === OPENER;
    if (opens) this.#gates.open(gate ?? "");
    if (opens || gate === undefined) return void this.#sendStream(followers, job);
    this.#waiting.set(job.id, { job, followers });
    void this.#gates.passed(gate).then(() => {
      this.#waiting.delete(job.id);
      return this.#sendStream(followers, job);
    });
  }

  #subscribe(session: RawSession, { id, job_id = "" }: ClientMessage): void {
    const waiting = this.#waiting.get(job_id);
    if (waiting === undefined) throw new Error(`no job ${job_id} waits at a gate`);
    waiting.followers.push(session);
    session.say("job.subscribed", { request_id: id, job_id }, waiting.job);
  }
}

function welcome(): object {
  const agents = [STEPPER, OPENER].map((name) => ({ name, versions: [] }));
  return {
    runtime: { name: "raw", version: "0.0.0" },
    resume_window_sec: 600,
    capabilities: { encodings: ["json"], features: [], agents },
    resume_token: "0".repeat(64),
  };
}

function acceptance({ id, traceId }: RawJob, request: string, agent: string): object {
  return {
    request_id: request,
    job_id: id,
    agent,
    lease: {},
    accepted_at: new Date().toISOString(),
    trace_id: traceId,
  };
}
