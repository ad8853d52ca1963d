import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ManualClock } from "@arcp/core";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { failureOf } from "./failure.ts";
import { openClient } from "./open-client.ts";
import { surroundings } from "./surroundings.ts";

/** What is reported when no client can connect. */
async function refusal(url: string, token?: string) {
  const { signal } = new AbortController();
  const { clock } = surroundings({});
  const error = await openClient({ url, token }, { signal, clock }).catch((thrown) => thrown);
  return failureOf(error);
}

test("a failure to reach a runtime is reported in one line", async () => {
  let status = 404;
  const server = createServer((_, reply) => void reply.writeHead(status).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
  expect(await refusal(url)).toEqual({
    code: 4,
    text: `${url} answers HTTP 404 instead of opening a WebSocket`,
  });
  const bare = url.replace("/arcp", "");
  expect(await refusal(bare)).toEqual({
    code: 4,
    text: `${bare} answers HTTP 404 instead of opening a WebSocket: most runtimes are at /arcp`,
  });
  for (status of [200, 301, 426]) {
    const text = `${bare} answers HTTP ${status} instead of opening a WebSocket: most runtimes are at /arcp`;
    expect(await refusal(bare)).toEqual({ code: 4, text });
  }
  for (status of [403, 502]) {
    const text = `${bare} answers HTTP ${status} instead of opening a WebSocket`;
    expect(await refusal(bare)).toEqual({ code: 4, text });
  }
  expect(await refusal(url.replace("ws:", "wss:"))).toEqual({
    code: 4,
    text: `${url.replace("ws:", "wss:")} does not speak TLS: try ws:`,
  });
  server.close();
  await once(server, "close");
  expect(await refusal(url)).toEqual({
    code: 4,
    text: `nothing listens at ${url}: start a runtime with \`arcp serve\`, or pass --url`,
  });
  expect((await refusal(url.replace("//", "//me:p@ss@"))).text).toContain(
    url.replace("//", "//***@"),
  );
  expect(await refusal("ws://runtime.invalid/arcp", "secret")).toEqual({
    code: 2,
    text: "the token would go to ws://runtime.invalid/arcp in the clear: use wss:",
  });
  expect(await refusal("wss://runtime.invalid/arcp")).toMatchObject({ code: 4 });
});

test("a wrong token, and a missing one, are reported in one line", async () => {
  const runtime = createRuntime({ agents: [], auth: tokenTable({ secret: "alice" }) });
  const server = await listen({ port: 0 }, runtime.serve);
  const right = "pass --token, set ARCP_TOKEN, or choose a profile";
  expect(await refusal(server.url, "wrong")).toEqual({
    code: 2,
    text: expect.stringMatching(/^the token was refused: .+; pass --token, set ARCP_TOKEN, or/),
  });
  expect(await refusal(server.url)).toEqual({
    code: 2,
    text: `the token was refused: none was given; ${right}`,
  });
  await runtime.close();
  await server.close();
});

test("a malformed saved session is not reported as a token in the clear", async () => {
  const restore = JSON.parse('{ "version": 2 }');
  const around = { signal: new AbortController().signal, clock: new ManualClock() };
  const opening = openClient({ url: "ws://127.0.0.1:1/arcp", token: "t" }, around, { restore });
  await expect(opening).rejects.toThrow("restore takes a version 1 session");
});

test("a silent runtime is not reported as something else", async () => {
  const clock = new ManualClock();
  const server = await listen({ port: 0 }, () => clock.advance(5_000));
  const { signal } = new AbortController();
  const settings = { url: server.url, token: undefined };
  const error = await openClient(settings, { signal, clock }).catch((thrown) => thrown);
  expect(failureOf(error)).toEqual({
    code: 4,
    text: `${server.url} gives no welcome within 5000 ms: the runtime is busy or stopped, or it is not a runtime`,
  });
  await server.close();
});
