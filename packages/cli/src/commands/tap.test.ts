import { EventEmitter, once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { connect } from "@arcp/client";
import type { Transport } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import { arcp, type PlayedOptions, Playing, scratch } from "../../test/played.ts";
import { run } from "../program.ts";

/** `arcp tap`, and the address that clients connect to. */
async function tapped(runtime: string, args: readonly string[] = [], options?: PlayedOptions) {
  const playing = new Playing(["tap", "--url", runtime, "--port", "0", ...args], options);
  await playing.until(/ARCP_URL=\S+\n/);
  const url = /ARCP_URL=(\S+)/.exec(playing.err)?.[1] ?? "";
  return {
    playing,
    url,
    frames: () =>
      playing.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      playing.interrupt();
      expect(await playing.done).toMatchObject({ code: 130 });
    },
  };
}

/** A runtime that says what it is told to. */
function speaking(accept: (transport: Transport) => unknown) {
  return listen({ port: 0 }, accept);
}

async function frame(transport: Transport): Promise<string> {
  for await (const text of transport.frames) return text;
  throw new Error("it closed");
}

test("--json shows every frame of both sides in full, without secrets, and passes it on unchanged", async () => {
  const echo = defineAgent({ name: "echo", run: async (_ctx, input) => input });
  const runtime = createRuntime({ agents: [echo], auth: tokenTable({ "s-e-c-r-e-t": "alice" }) });
  await using server = await listen({ port: 0 }, (transport, peer) =>
    runtime.serve(transport, peer),
  );
  await using tap = await tapped(server.url, ["--json"]);
  for (const viaHeader of [false, true]) {
    const client = viaHeader
      ? await connect(dial(tap.url, { headers: { authorization: "Bearer s-e-c-r-e-t" } }))
      : await connect(dial(tap.url), { token: "s-e-c-r-e-t" });
    const job = await client.submit("echo", "x".repeat(5000));
    expect(await job.result()).toHaveLength(5000);
    await client.close();
    await tap.playing.until(viaHeader ? /"connection":2,"kind":"closed"/ : /"kind":"closed"/);
  }
  await runtime.close();
  expect(tap.playing.out).not.toContain("s-e-c-r-e-t");
  const shown = tap.frames().filter(({ connection }) => connection === 1);
  expect(shown[0]).toEqual({
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    connection: 1,
    kind: "opened",
    address: "127.0.0.1",
  });
  expect(shown.at(-1)).toMatchObject({ kind: "closed", reason: "normal" });
  const told = shown.slice(1, -1).map(({ from, frame: { type } }) => `${from} ${type}`);
  expect(told).toEqual([
    "client session.hello",
    "runtime session.welcome",
    "client job.submit",
    "runtime job.accepted",
    "runtime job.event",
    "runtime job.result",
    "client session.close",
    "runtime session.closed",
  ]);
  expect(shown[1].frame.payload.auth).toEqual({ scheme: "bearer", token: "***" });
  expect(shown[2].frame.payload.resume_token).toBe("***");
  expect(shown[3].frame.payload.input).toHaveLength(5000);
});

test("on a terminal each frame has its line, a long one a few, and the rest is counted", async () => {
  const answers = [
    `{"arcp":"1.1","id":"m1","type":"job.event","job_id":"job_1","event_seq":7,"payload":{"kind":"log","body":{"message":"${"long ".repeat(200)}"}}}`,
    `{"arcp":"1.1","id":"m2","type":"session.pong","payload":{}}`,
    "no\u001b[2Jjson \u009b",
    `[{"password":"hidden"}]`,
    JSON.stringify({ type: "job.event", payload: { text: "漢字".repeat(100) } }),
    "[".repeat(20_000) + "]".repeat(20_000),
  ];
  const raw: string[] = [];
  await using server = await speaking(async (transport) => {
    raw.push(await frame(transport));
    await transport.send(answers);
  });
  await using tap = await tapped(server.url, [], { columns: 60, env: { NO_COLOR: "1" } });
  const client = await dial(tap.url)(new AbortController().signal);
  const hello = `{"arcp": "1.1", "type":"session.ping","id":"m0","payload":{"cost":2.50}}`;
  await client.send([hello]);
  const arrived: string[] = [];
  for await (const text of client.frames) if (arrived.push(text) === answers.length) break;
  client.close();
  await tap.playing.until(/closed by/);
  // What passes through is untouched, even its spaces.
  expect([raw, arrived]).toEqual([[hello], answers]);
  const [opened, ping, event, ...rest] = tap.playing.out
    .replaceAll(/^\d\d:\d\d:\d\d /gm, "")
    .split("\n");
  expect([opened, ping, event]).toEqual([
    "1 opened by 127.0.0.1",
    `1 -> session.ping {"cost":2.5} id=m0`,
    "1 <- job.event job_1 #7 log",
  ]);
  expect(rest.slice(0, 5)).toEqual([
    expect.stringMatching(/^ {2}\{"kind":"log","body":\{"message":"long .{20,}$/),
    ...Array.from({ length: 3 }, () => expect.stringMatching(/^ {2}.{58}$/)),
    "  … 810 more characters",
  ]);
  expect(rest.slice(5, 7)).toEqual([
    "1 <- session.pong {} id=m2",
    "1 <- not a message no\\u001b[2Jjson \\u009b",
  ]);
  expect(rest.slice(7, 10)).toEqual([
    `1 <- not a message [{"password":"***"}]`,
    "1 <- job.event",
    expect.stringMatching(/^ {2}\{"text":"(漢字)+漢?$/),
  ]);
  for (const line of tap.playing.out.split("\n")) {
    expect(stringWidth(line)).toBeLessThanOrEqual(60);
  }
});

test("the runtime is that of --profile, or of ARCP_URL", async () => {
  await using place = await scratch();
  await mkdir(join(place.path, "arcp"));
  const profiles = { work: { url: "ws://127.0.0.1:1/work", token: "t" } };
  await writeFile(join(place.path, "arcp", "profiles.json"), JSON.stringify(profiles));
  const env = { XDG_CONFIG_HOME: place.path, ARCP_URL: "ws://127.0.0.1:1/env" };
  for (const [flags, path] of [
    [["--profile=work"], "work"],
    [[], "env"],
  ] as const) {
    const playing = new Playing(["tap", "--port=0", ...flags], { env });
    await playing.until(/ARCP_URL=/);
    expect(playing.err).toContain(`Between clients and ws://127.0.0.1:1/${path}.`);
    playing.interrupt();
    await playing.done;
  }
});

test("the close reason of each side is passed on and shown", async () => {
  await using server = await speaking(async (transport) => {
    if ((await frame(transport)) === "refuse \u009b") transport.close("refused");
  });
  await using tap = await tapped(server.url, ["--json"]);
  const client = await dial(tap.url)(new AbortController().signal);
  await client.send(["refuse \u009b"]);
  await expect(frame(client)).rejects.toMatchObject({ reason: "refused" });
  await tap.playing.until(/"kind":"closed","by":"runtime","reason":"refused"/);
  // On a terminal, too, no frame controls it.
  expect(tap.playing.out).toContain(`"frame":"refuse \\u009b"`);
});

test("a runtime that is not there is reported, and the client may come again", async () => {
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const address = gone.address();
  const url = `ws://127.0.0.1:${typeof address === "object" ? address?.port : 0}/arcp`;
  gone.close();
  await once(gone, "close");
  await using tap = await tapped(url);
  const client = await dial(tap.url)(new AbortController().signal);
  await expect(frame(client)).rejects.toMatchObject({ reason: "going-away" });
  await tap.playing.until(new RegExp(`not connected: nothing listens at ${url}`));
});

test("Ctrl-C ends it even while nobody reads its output", async () => {
  await using server = await speaking(async (transport) => transport.send(["hello", "again"]));
  const [stdout, stderr] = [new PassThrough({ highWaterMark: 1 }), new PassThrough()];
  const signals = new EventEmitter();
  const done = run(["tap", "--port=0", "--url", server.url], { stdout, stderr, signals, env: {} });
  const [told] = await once(stderr, "data");
  const url = /ARCP_URL=(\S+)/.exec(String(told))?.[1] ?? "";
  const client = await dial(url)(new AbortController().signal);
  await expect.poll(() => stdout.writableNeedDrain).toBe(true);
  signals.emit("SIGINT", "SIGINT");
  expect(await done).toBe(130);
  client.close();
});

test("a password in the url is not shown", async () => {
  const playing = new Playing(["tap", "--port=0", "--url=ws://me:secret@127.0.0.1:1/"]);
  await playing.until(/Between clients and ws:\/\/\*\*\*@127\.0\.0\.1:1\/\./);
  playing.interrupt();
  expect((await playing.done).err).not.toContain("secret");
});

test.each([
  [
    "--port=x",
    "arcp: option '--port <port>' argument 'x' is invalid: it has to be a number from 0 to 65535.",
  ],
  [
    "--url=http://a",
    "arcp: http://a is not the address of a runtime: use one like ws://127.0.0.1:7777/arcp\n",
  ],
  ["--url=http://me:secret@a", "arcp: http://***@a is not the address of a runtime: "],
  [
    "--url=ws://example.com/arcp",
    "arcp: ws: would send the token to example.com in the clear: use wss:",
  ],
  ["--profile=nobody", "arcp: there is no profile nobody in "],
])("wrong usage takes one line, and exits with 2: %s", async (flag, line) => {
  const { code, out, err } = await arcp(["tap", flag], { env: { XDG_CONFIG_HOME: "/nowhere" } });
  expect(err).toContain(line);
  expect([code, out, err.match(/\n/g)?.length]).toEqual([2, "", 1]);
});
