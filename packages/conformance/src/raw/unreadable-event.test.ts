import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";

/* A client against a runtime that is a mere WebSocket server, and writes what nobody can read. */

const SESSION = "sess_foreign";
const JOB = "job_foreign";
let ids = 0;

const envelope = (type: string, payload: object, header: object = {}) =>
  JSON.stringify({
    arcp: "1.1",
    id: `foreign-${++ids}`,
    type,
    session_id: SESSION,
    ...header,
    payload,
  });

const event = (seq: number) => {
  const payload = { kind: "status", ts: "2026-11-02T08:15:30Z", body: { phase: `p${seq}` } };
  return envelope("job.event", payload, { job_id: JOB, event_seq: seq });
};

const welcome = () =>
  envelope("session.welcome", {
    runtime: { name: "foreign", version: "1" },
    resume_token: "rt",
    resume_window_sec: 600,
    capabilities: { encodings: ["json"], features: [], agents: [{ name: "echo" }] },
  });

/** Accepts a job and sends these frames; sends them again on every resume. */
async function foreignRuntime(frames: readonly string[]) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  let connections = 0;
  const answer = (socket: WebSocket, type: string): void => {
    if (type === "session.hello") {
      socket.send(welcome());
      if (connections > 1) for (const frame of frames) socket.send(frame);
    } else if (type === "job.submit") {
      const accepted = { job_id: JOB, agent: "echo", lease: {} };
      socket.send(envelope("job.accepted", accepted, { job_id: JOB }));
      for (const frame of frames) socket.send(frame);
    }
  };
  server.on("connection", (socket) => {
    connections += 1;
    socket.on("message", (data) => answer(socket, JSON.parse(`${data}`).type));
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((done) => server.close(done));
    },
  };
}

test.each([
  ["that is the last one and is cut off", [event(1), event(2).slice(0, -1)]],
  ["with an id that is none", [event(1), event(2).replace(/"foreign-\d+"/, "null"), event(3)]],
  ["of which not even the number came", [event(1), event(2).slice(0, 20), event(3)]],
])(
  "an event %s ends the client with a clear error, and nothing is tried again",
  async (_what, frames) => {
    await using runtime = await foreignRuntime(frames);
    await using client = await connect(dial(runtime.url), { token: "t" });
    const job = await client.submit("echo");
    const violation = {
      name: "LocalError",
      code: "PROTOCOL_VIOLATION",
      message: expect.stringMatching(/^an event cannot be read: /),
    };
    await expect(job.result()).rejects.toMatchObject(violation);
    const seen: unknown[] = [];
    const read = (async () => {
      for await (const { body } of job.events) seen.push(body);
    })();
    await expect(read).rejects.toMatchObject(violation);
    expect(seen).toEqual([{ phase: "p1" }]);
    expect(client.state).toMatchObject({ kind: "closed", error: violation });
    expect(runtime.connections()).toBe(1);
  },
);
