import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { AGENT, type AgentInput, ITEM } from "./target.ts";

/** One client of a raw server and the numbering of its stream. */
export interface RawSession {
  readonly id: string;
  readonly ws: WebSocket;
  /** Underneath `ws`. */
  readonly socket: Socket;
  seq: number;
}

/** A job of a raw server. */
export interface RawJob {
  /** From 0, in the order of submission. */
  readonly index: number;
  readonly id: string;
  readonly traceId: string;
  readonly events: number;
}

/** Sends a job's stream: `records`, the running notice first and the result last. */
export type SendStream = (session: RawSession, job: RawJob) => Promise<void>;

interface ClientMessage {
  readonly id: string;
  readonly type: string;
  readonly payload: { readonly input?: AgentInput };
}

/** Serves as much of the wire as the generator speaks, without a check of anything. @returns the URL to connect to */
export async function serveRaw(sendStream: SendStream): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (ws, { socket }) => {
    const session = { id: newId("sess_"), ws, socket, seq: 0 };
    let jobs = 0;
    ws.on("message", (data) => {
      const message = JSON.parse(String(data)) as ClientMessage;
      if (message.type === "session.hello") ws.send(welcome(session));
      if (message.type === "job.submit") {
        const job = newJob(jobs++, message.payload.input?.events ?? 0);
        ws.send(accepted(session, job, message.id));
        void sendStream(session, job);
      }
    });
  });
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
}

/** A job's ids are known before it is submitted. */
export function newJob(index: number, events: number): RawJob {
  const serial = String(index);
  return {
    index,
    id: `job_${serial.padStart(26, "0")}`,
    traceId: serial.padStart(32, "a"),
    events,
  };
}

/**
 * The record that is number `jobSeq` of the job, as the runtime writes it: every field, in the same order, with values of
 * the same length. What a session adds to it is not included.
 */
export function recordOf(job: RawJob, jobSeq: number, ts: string): object {
  const payload =
    jobSeq === 1
      ? { kind: "status", ts, body: { phase: "running" } }
      : {
          kind: "log",
          ts,
          body: { level: "info", message: "step", attributes: { i: jobSeq - 2, item: ITEM } },
        };
  const isLast = jobSeq === lastSeq(job);
  return {
    id: newId("msg_"),
    type: isLast ? "job.result" : "job.event",
    job_id: job.id,
    trace_id: job.traceId,
    job_seq: jobSeq,
    payload: isLast ? { final_status: "success", result: null } : payload,
  };
}

/** The running notice, the events and the result. */
export function lastSeq({ events }: RawJob): number {
  return events + 2;
}

function welcome({ id }: RawSession): string {
  const agents = [{ name: AGENT, versions: [] }];
  return JSON.stringify({
    arcp: "1.1",
    id: newId("msg_"),
    session_id: id,
    type: "session.welcome",
    payload: {
      runtime: { name: "raw", version: "0.0.0" },
      resume_window_sec: 600,
      capabilities: { encodings: ["json"], features: [], agents },
      resume_token: "0".repeat(64),
    },
  });
}

function accepted(session: RawSession, job: RawJob, request: string): string {
  return JSON.stringify({
    arcp: "1.1",
    id: newId("msg_"),
    session_id: session.id,
    type: "job.accepted",
    job_id: job.id,
    trace_id: job.traceId,
    payload: {
      request_id: request,
      job_id: job.id,
      agent: AGENT,
      lease: {},
      accepted_at: new Date().toISOString(),
      trace_id: job.traceId,
    },
  });
}

let ids = 0;

/** As long as a prefixed ULID and as cheap as an id can be. */
function newId(prefix: string): string {
  ids += 1;
  return prefix + String(ids).padStart(26, "0");
}
