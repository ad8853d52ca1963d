import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { LoadClient } from "./load-client.ts";

let server: WebSocketServer | undefined;
afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate();
  server?.close();
});

/** A server that answers a submit with these frames. */
async function serve(...frames: readonly object[]): Promise<string> {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (ws: WebSocket) => {
    ws.on("message", (data) => {
      const { type } = JSON.parse(String(data)) as { type: string };
      const welcome = { type: "session.welcome", session_id: "sess_1", payload: {} };
      const accepted = { type: "job.accepted", job_id: "job_1", payload: {} };
      for (const frame of type === "session.hello" ? [welcome] : [accepted, ...frames]) {
        ws.send(JSON.stringify(frame));
      }
    });
  });
  await once(server, "listening");
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
}

const event = (event_seq: number, text = "") => ({
  session_id: "sess_1",
  event_seq,
  type: "job.event",
  payload: { text },
});
const result = (event_seq: number) => ({
  event_seq,
  type: "job.result",
  job_id: "job_1",
  payload: {},
});

test("counts a whole stream, whatever the length of its frames", async () => {
  const url = await serve(
    event(1),
    event(2, "x".repeat(200)),
    event(3, "y".repeat(70_000)),
    result(4),
  );
  const client = await LoadClient.open(url);
  await client.run("stepper", {});
  expect(client.frames).toBe(4);
  expect(client.bytes).toBeGreaterThan(70_200);
});

test("finds a field that moved", async () => {
  const moved = { arcp: "1.1", ...event(10) };
  const url = await serve(
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((seq) => event(seq)),
    moved,
    result(11),
  );
  const client = await LoadClient.open(url);
  await client.run("stepper", {});
  expect(client.frames).toBe(11);
});

test.each([
  ["a gap", [event(1), event(3), result(4)], "event_seq 3 came behind 1"],
  ["a repetition", [event(1), event(1), result(2)], "event_seq 1 came behind 1"],
  ["a failed job", [event(1), { event_seq: 2, type: "job.error", payload: {} }], "job.error"],
  ["a refusal", [{ type: "session.error", payload: { code: "X" } }], 'session.error: {"code":"X"}'],
])("detects %s", async (_, frames, problem) => {
  const client = await LoadClient.open(await serve(...frames));
  await expect(client.run("stepper", {})).rejects.toThrow(problem);
});

test("detects a connection that ends", async () => {
  const client = await LoadClient.open(await serve());
  const outcome = client.run("stepper", {});
  for (const ws of server?.clients ?? []) ws.close();
  await expect(outcome).rejects.toThrow("closed");
});

/** A server whose connections break after the first event, and that answers a resume with these frames. */
async function serveResumed(
  ...frames: readonly object[]
): Promise<{ url: string; resumes: readonly unknown[] }> {
  const resumes: unknown[] = [];
  const url = await serve();
  server?.on("connection", (ws: WebSocket) => {
    ws.removeAllListeners("message");
    ws.on("message", (data) => {
      const { type, payload } = JSON.parse(String(data)) as { type: string; payload: object };
      if (type === "session.resume") resumes.push(payload);
      const welcome = { type: "session.welcome", session_id: "sess_1" };
      const secret = { resume_token: `token ${resumes.length}` };
      const accepted = { type: "job.accepted", job_id: "job_1", payload: {} };
      const answers: Readonly<Record<string, readonly object[]>> = {
        "session.hello": [{ ...welcome, payload: secret }],
        "job.submit": [accepted, event(1)],
        "session.resume": [{ ...welcome, payload: secret }, ...frames],
      };
      for (const frame of answers[type] ?? []) ws.send(JSON.stringify(frame));
    });
  });
  return { url, resumes };
}

const repeated = { type: "job.accepted", job_id: "job_1", payload: {} };

test.each([
  ["what is missing", undefined, [event(2), result(3)]],
  ["what came before", 0, [repeated, event(1), event(2), result(3)]],
])("resumes a session that was cut, with %s, as often as it likes", async (_, after, frames) => {
  const { url, resumes } = await serveResumed(...frames);
  const client = await LoadClient.open(url);
  const { id } = await client.submit("stepper", {});
  await expect.poll(() => client.seq).toBe(1);
  for (const [i, expected] of [after ?? 1, after ?? 1].entries()) {
    const came = client.frames;
    client.cut();
    await client.dial();
    await client.resume(id, expected);
    expect(client.frames - came).toBe(3 - expected);
    expect(resumes[i]).toMatchObject({
      session_id: "sess_1",
      resume_token: `token ${i}`,
      last_event_seq: expected,
    });
  }
});

test("detects that a resume omits something", async () => {
  const { url } = await serveResumed(event(3), result(4));
  const client = await LoadClient.open(url);
  const { id } = await client.submit("stepper", {});
  await expect.poll(() => client.seq).toBe(1);
  client.cut();
  await client.dial();
  await expect(client.resume(id)).rejects.toThrow("event_seq 3 came behind 1");
});
