import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import {
  CHUNKER,
  type ChunkerInput,
  Gates,
  OPENER,
  type OpenerInput,
  STEPPER,
  type StepperInput,
} from "./agents.ts";
import type { SendPrepared } from "./pace.ts";
import { PIECES_PER_MEGABYTE } from "./pieces.ts";
import { chunks, lastSeq, newId, newTraceId, type RawJob, recordOf, steps } from "./raw-record.ts";
import { RawSession } from "./raw-session.ts";

/** How a raw server sends. */
export interface RawWire {
  /** Handles a submit before it is answered; done when it returns or resolves. */
  accept?(): void | Promise<void>;
  /** Sends a job's stream to all its followers: its records, the running notice first and the result last. */
  stream(followers: readonly RawSession[], job: RawJob): Promise<void>;
  /** Converts the frames of one session to the form in which they are sent, ahead of time. If absent, none are prepared. */
  readonly prepare?: ((frames: readonly string[]) => SendPrepared) | undefined;
}

interface ClientMessage {
  readonly id: string;
  readonly type: string;
  readonly job_id?: string;
  readonly payload: {
    readonly agent?: string;
    readonly input?: Partial<StepperInput & OpenerInput & ChunkerInput>;
    readonly session_id?: string;
  };
}

/**
 * A server without a protocol: as much of the wire as the generator speaks, without any checks, and without storing anything but
 * the frames that a scenario wants to come from memory.
 */
export class RawServer {
  readonly #wire: RawWire;
  readonly #gates = new Gates();
  /** The jobs that wait at a gate. */
  readonly #waiting = new Map<string, { readonly job: RawJob; readonly followers: RawSession[] }>();
  /** By session, what was last prepared for it. */
  readonly #prepared = new Map<string, SendPrepared>();

  constructor(wire: RawWire) {
    this.#wire = wire;
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
      case "session.resume":
        return this.#resume(session, message);
      case "job.submit":
        return this.#submit(session, message);
      case "job.subscribe":
        return this.#subscribe(session, message);
      case "session.ping":
        return session.say("session.pong", { request_id: message.id });
    }
  }

  #submit(session: RawSession, { id, payload }: ClientMessage): void {
    const { agent = STEPPER, input = {} } = payload;
    const { gate, done } = input;
    const job = jobOf(agent, input);
    const prepare = agent === CHUNKER || done !== undefined ? this.#wire.prepare : undefined;
    if (prepare !== undefined) void this.#sendPrepared(session, job, input, prepare);
    const answer = (): void => {
      session.say("job.accepted", acceptance(job, id, agent), job);
      if (prepare === undefined) this.#begin(session, job, agent, gate);
    };
    const accepted = this.#wire.accept?.();
    if (accepted === undefined) answer();
    else void accepted.then(answer);
  }

  #begin(session: RawSession, job: RawJob, agent: string, gate: string | undefined): void {
    const followers = [session];
    const opens = agent === OPENER;
    if (opens) this.#gates.open(gate ?? "");
    if (opens || gate === undefined) return void this.#wire.stream(followers, job);
    this.#waiting.set(job.id, { job, followers });
    void this.#gates.passed(gate).then(() => {
      this.#waiting.delete(job.id);
      return this.#wire.stream(followers, job);
    });
  }

  /** The whole stream of a job is made before the gate, and sent once it has a follower. */
  async #sendPrepared(
    session: RawSession,
    job: RawJob,
    { gate = "", done }: Partial<StepperInput>,
    prepare: (frames: readonly string[]) => SendPrepared,
  ): Promise<void> {
    const send = prepare(framesOf(session, job));
    this.#prepared.set(session.id, send);
    await this.#gates.passed(gate);
    if (session.ws.readyState === WebSocket.OPEN) await send(session);
    if (done !== undefined) this.#gates.open(done);
  }

  #resume(session: RawSession, { payload: { session_id = "" } }: ClientMessage): void {
    session.id = session_id;
    session.say("session.welcome", welcome());
    void this.#prepared.get(session_id)?.(session);
  }

  #subscribe(session: RawSession, { id, job_id = "" }: ClientMessage): void {
    const waiting = this.#waiting.get(job_id);
    if (waiting === undefined) throw new Error(`no job ${job_id} waits at a gate`);
    waiting.followers.push(session);
    session.say("job.subscribed", { request_id: id, job_id }, waiting.job);
  }
}

function jobOf(
  agent: string,
  { events = 0, encoding = "utf8", megabytes = 0 }: Partial<StepperInput & ChunkerInput>,
): RawJob {
  const names = { id: newId("job_"), traceId: newTraceId() };
  if (agent !== CHUNKER) return { ...names, events, content: steps };
  const pieces = megabytes * PIECES_PER_MEGABYTE;
  return { ...names, events: pieces + 1, content: chunks(encoding, pieces) };
}

/** The frames of a job's stream, in a session without other jobs. */
function framesOf(session: RawSession, job: RawJob): readonly string[] {
  const ts = new Date().toISOString();
  return Array.from({ length: lastSeq(job) }, (_, i) => {
    session.seq += 1;
    const fields = { arcp: "1.1", session_id: session.id, event_seq: session.seq };
    return JSON.stringify({ ...fields, ...recordOf(job, i + 1, ts) });
  });
}

function welcome(): object {
  const agents = [STEPPER, OPENER, CHUNKER].map((name) => ({ name, versions: [] }));
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
