import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { testRuntime } from "@arcp/conformance/agents";
import { createRuntime, defineAgent, type RuntimeOptions, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { run } from "../program.ts";

const auth = tokenTable({ "token-a": "alice", "token-b": "bob" });
const tokens = ["--token", "token-a", "--token2", "token-b"];

/** Runs the command with its output piped. */
async function arcp(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = Promise.all([text(stdout), text(stderr)]);
  const code = await run(args, { stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await read;
  return { code, out, err };
}

async function served(options: Partial<RuntimeOptions> = testRuntime()) {
  const runtime = createRuntime({ agents: [], auth, ...options });
  const server = await listen({ port: 0 }, runtime.serve);
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server.close();
      await runtime.close();
    },
  };
}

test("a section is played against a runtime, and the table says that it holds", async () => {
  await using runtime = await served();
  const { code, out, err } = await arcp("conformance", runtime.url, ...tokens, "--only", "6.3");
  expect(err).toBe("");
  expect(out).toMatch(/^section +holds +broken +not run\n6\.3 {2}Resume +\d+ +- +\S+\n/);
  expect(out).toMatch(/\d+ of 20 requirements hold, nothing is broken, in [\d.]+ s\n$/);
  expect(code).toBe(0);
});

test("--json lists each requirement and each scenario", async () => {
  await using runtime = await served();
  const { code, out } = await arcp(
    "conformance",
    runtime.url,
    ...tokens,
    "--only=R-6.3-9",
    "--json",
  );
  expect(code).toBe(0);
  const report = JSON.parse(out);
  expect(report.requirements).toEqual([
    { id: "R-6.3-9", section: "6.3", strength: "MUST", side: "runtime", verdict: "holds" },
  ]);
  expect(report.scenarios[0]).toMatchObject({
    verifies: expect.arrayContaining(["R-6.3-9"]),
    outcome: "passed",
  });
});

test("--only may be repeated, with or without the letter", async () => {
  await using runtime = await served();
  const { out } = await arcp(
    "conformance",
    runtime.url,
    ...tokens,
    "--only=6.3-9",
    "--only=12",
    "--json",
  );
  const sections = JSON.parse(out).requirements.map(({ section }: { section: string }) => section);
  expect([...new Set(sections)]).toEqual(["6.3", "12"]);
});

test("the tokens can come from the environment", async () => {
  await using runtime = await served();
  process.env["ARCP_TOKEN"] = "token-a";
  process.env["ARCP_TOKEN2"] = "token-b";
  try {
    const { code } = await arcp("conformance", runtime.url, "--only=R-6.3-9");
    expect(code).toBe(0);
  } finally {
    delete process.env["ARCP_TOKEN"];
    delete process.env["ARCP_TOKEN2"];
  }
});

test.each([
  ["no address", ["conformance"], "arcp: missing required argument 'url'"],
  [
    "what is no address",
    ["conformance", "localhost:80", ...tokens],
    "arcp: localhost:80 is not the address of a runtime: use one like ws://127.0.0.1:7777/arcp\n",
  ],
  [
    "no tokens",
    ["conformance", "ws://127.0.0.1:9/arcp"],
    "arcp: two principals are needed: pass --token or set ARCP_TOKEN\n",
  ],
  [
    "one token",
    ["conformance", "ws://127.0.0.1:9/arcp", "--token=a"],
    "arcp: two principals are needed: pass --token2 or set ARCP_TOKEN2\n",
  ],
  [
    "no section",
    ["conformance", "ws://127.0.0.1:9/arcp", ...tokens, "--only=66"],
    "arcp: option '--only <what>' argument '66' is invalid: it has to be a section or a requirement, such as 6.3 or R-6.3-9.",
  ],
  ["an unknown command", ["conform"], "arcp: unknown command 'conform'"],
  [
    "an address with a fragment",
    ["conformance", "ws://127.0.0.1:9/arcp#there", ...tokens],
    "arcp: ws://127.0.0.1:9/arcp#there is not the address of a runtime",
  ],
  [
    "an unknown flag",
    ["conformance", "ws://127.0.0.1:9/arcp", "--fast"],
    "arcp: unknown option '--fast'",
  ],
])("wrong usage takes one line, and exits with 2: %s", async (_what, args, line) => {
  const { code, out, err } = await arcp(...args);
  expect(err).toContain(line);
  expect([code, out]).toEqual([2, ""]);
});

test("a server that is down is reported in one line", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
  server.close();
  await once(server, "close");
  const { code, out, err } = await arcp("conformance", url, ...tokens);
  expect([code, out, err]).toEqual([4, "", `arcp: nothing listens at ${url}\n`]);
  const secretive = `${url.replace("//", "//me:p@ss@")}?token=hush`;
  expect((await arcp("conformance", secretive, ...tokens)).err).toBe(
    `arcp: nothing listens at ${url.replace("//", "//***@")}?token=***\n`,
  );
});

test("a server that speaks only HTTP is reported in one line", async () => {
  const server = createServer((_, reply) => void reply.writeHead(404).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/arcp`;
  const { code, out, err } = await arcp("conformance", url, ...tokens);
  server.close();
  expect([code, out, err]).toEqual([
    4,
    "",
    `arcp: ${url} answers HTTP 404 instead of opening a WebSocket\n`,
  ]);
});

test("wss: to a server without TLS is reported in one line", async () => {
  await using runtime = await served();
  const url = runtime.url.replace("ws:", "wss:");
  const { code, err } = await arcp("conformance", url, ...tokens);
  expect([code, err]).toEqual([4, `arcp: ${url} does not speak TLS: try ws:\n`]);
});

test("a WebSocket that speaks another protocol is reported in one line", async () => {
  const server = await listen({ port: 0 }, async (transport) => {
    for await (const _frame of transport.frames)
      await transport.send(['{"jsonrpc":"2.0","error":{}}']);
  });
  const { code, out, err } = await arcp("conformance", server.url, ...tokens);
  await server.close();
  expect([code, out]).toEqual([4, ""]);
  expect(err).toMatch(
    /^arcp: what answers at ws:\S+ does not speak ARCP: its answer to a hello is \{"jsonrpc".+\n$/,
  );
});

test("a WebSocket that says nothing is reported in one line", async () => {
  const server = await listen({ port: 0 }, () => {});
  const { code, err } = await arcp("conformance", server.url, ...tokens);
  await server.close();
  expect(code).toBe(4);
  expect(err).toMatch(/^arcp: what answers at ws:\S+ does not speak ARCP: waited \d+ ms for .+\n$/);
});

test("a refused token, and a runtime without the test agents, are reported in one line", async () => {
  await using runtime = await served();
  const refused = await arcp("conformance", runtime.url, "--token=x", "--token2=token-b");
  expect(refused).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^arcp: the first token was refused: UNAUTHENTICATED: .+\n$/),
  });
  await using bare = await served({ agents: [defineAgent({ name: "other", run: () => 1 })] });
  const lacking = await arcp("conformance", bare.url, ...tokens);
  expect(lacking).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /^arcp: the runtime does not offer the agent conformance\.script: .+\n$/,
    ),
  });
});

test("a broken MUST exits with 1, and shows the frames that led to it", async () => {
  // A runtime whose settings agent tells the truth, but which numbers its events in steps of two.
  await using runtime = await served();
  const broken = await listen({ port: 0 }, async (near) => {
    const far = await dial(runtime.url)(new AbortController().signal);
    const pump = async () => {
      for await (const frame of near.frames) await far.send([frame]);
      far.close();
    };
    void pump().catch(() => far.close());
    try {
      for await (const frame of far.frames) {
        await near.send([frame.replace(/"event_seq":(\d+)/, (_, n) => `"event_seq":${2 * n}`)]);
      }
    } catch {}
    near.close();
  });
  const args = ["conformance", broken.url, ...tokens, "--only=8.3-1", "--only=6.3-9"];
  const { code, out } = await arcp(...args);
  const { out: json } = await arcp(...args, "--json");
  await broken.close();
  expect(code).toBe(1);
  expect(out).toMatch(/^broken: R-8\.3-1$/m);
  expect(out).toMatch(/<- .*"event_seq":2/);
  for (const report of [out, json]) {
    expect(report).toMatch(/-> .*\\?"token\\?":\\?"\*{3}/);
    expect(report).not.toContain("token-a");
  }
});

test("--help lists the options and the exit codes", async () => {
  const help = await arcp("conformance", "--help");
  expect(help).toMatchObject({ code: 0, err: "" });
  for (const flag of [
    "--token <token>",
    "--token2 <token>",
    "--only <what>",
    "--json",
    "Exit codes",
  ]) {
    expect(help.out).toContain(flag);
  }
});

test("a runtime that goes away meanwhile is reported in one line, and not as a broken protocol", async () => {
  await using runtime = await served();
  let welcomes = 0;
  const mortal = await listen({ port: 0 }, async (near) => {
    const far = await dial(runtime.url)(new AbortController().signal);
    void (async () => {
      for await (const frame of near.frames) await far.send([frame]);
      far.close();
    })().catch(() => far.close());
    for await (const frame of far.frames) {
      // The first two are the probe's.
      if (frame.includes('"session.welcome"') && ++welcomes > 4) void mortal.close();
      await near.send([frame]);
    }
  });
  const { code, out, err } = await arcp("conformance", mortal.url, ...tokens, "--only=6.3");
  expect([code, out]).toEqual([4, ""]);
  expect(err).toMatch(/^arcp: the runtime went away while this was played: .+\n$/);
});
