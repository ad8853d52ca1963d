import { once } from "node:events";
import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Hosted } from "./hosted.ts";

const opened = async (port: number, path: string): Promise<WebSocket> => {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await once(ws, "open");
  return ws;
};

const echoed = async (ws: WebSocket, text: string): Promise<string> => {
  ws.send(text);
  const [data] = await once(ws, "message");
  return String(data);
};

const arcp = (port: number) => connect(dial(`ws://127.0.0.1:${port}/arcp`), { token: "a-token" });

describe.each([
  ["node-http", "hello from node:http"],
  ["express", "hello from express"],
  ["fastify", "hello from fastify"],
  ["hono", "hello from hono"],
])("%s", (name, hello) => {
  // One process for all: each test finds it as the last one left it.
  let hosted: Hosted;
  beforeAll(async () => {
    hosted = await Hosted.start(name);
  });
  afterAll(() => hosted[Symbol.asyncDispose]());

  test("serves its own pages, a WebSocket of its own and ARCP side by side", async () => {
    await using client = await arcp(hosted.port);
    const job = await client.submit("count", { to: 100 });
    const ws = await opened(hosted.port, "/echo");
    expect(await hosted.page("/hello")).toEqual({ status: 200, text: hello });
    expect((await hosted.page("/nothing")).status).toBe(404);
    expect(await echoed(ws, "hi")).toBe("hi");
    const seen: number[] = [];
    for await (const { kind, body } of job.events) if (kind === "progress") seen.push(body.current);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(await job.result()).toBe(100);
    expect(await echoed(ws, "ho")).toBe("ho");
    ws.terminate();
  });

  test("R-4.1-2: connections that are reset in mid-upgrade, on any path, do not end the process", async () => {
    await using client = await arcp(hosted.port);
    const job = await client.submit("count", { to: 20, everyMs: 10 });
    const paths = ["/echo", "/arcp", "/nobody", "/hello"];
    for (let i = 0; i < 5; i++) await Promise.all(paths.map((path) => hosted.reset(path)));
    expect(await job.result()).toBe(20);
    const ws = await opened(hosted.port, "/echo");
    expect(await echoed(ws, "still")).toBe("still");
    ws.terminate();
    expect(hosted.alive).toBe(true);
    expect(hosted.said).not.toContain("Error");
  });

  test("ends in order: jobs finish, clients are told, and nothing keeps the process alive", async () => {
    await using client = await arcp(hosted.port);
    const ws = await opened(hosted.port, "/echo");
    const parted = once(ws, "close");
    const job = await client.submit("count", { to: 20, everyMs: 10 });
    await job.events[Symbol.asyncIterator]().next();
    const ended = hosted.end();
    expect(await job.result()).toBe(20);
    expect(await ended).toBe(0);
    expect(await parted).toEqual([1001, expect.anything()]);
  });
});
