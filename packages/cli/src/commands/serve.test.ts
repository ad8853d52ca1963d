import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { createServer } from "node:net";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, connect } from "@arcp/client";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { dial, listen } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { arcp, type PlayedOptions, Playing, scratch } from "../../test/played.ts";

/** A directory with these files, where `arcp serve` runs. */
async function directory(files: Readonly<Record<string, string>>) {
  const place = await scratch();
  const write = (name: string, text: string) => writeFile(join(place.path, name), text);
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { ...place, write };
}

interface Served extends AsyncDisposable {
  readonly playing: Playing;
  readonly url: string;
  readonly token: string;
  /** A client with a token. */
  client(token?: string): Promise<Client>;
}

async function serve(
  cwd: string,
  args: readonly string[],
  options: PlayedOptions = {},
): Promise<Served> {
  const playing = new Playing(["serve", ...args, "--port", "0"], { cwd, ...options });
  await playing.until(/export ARCP_URL=.*\n/);
  const url = /ARCP_URL=(\S+)/.exec(playing.out)?.[1] ?? "";
  const made = /ARCP_TOKEN=(\S+)/.exec(playing.out)?.[1] ?? "";
  return {
    playing,
    url,
    token: made,
    client: (token = made) => connect(dial(url), { token }),
    async [Symbol.asyncDispose]() {
      playing.interrupt();
      await playing.done;
    },
  };
}

/** An agent as a user writes it who has nothing to import. */
const agent = (name: string, result = name, version?: string) =>
  `{ name: "${name}", ${version === undefined ? "" : `version: "${version}",`} run: async () => ${JSON.stringify(result)} }`;

test("modules are served with every agent that they export, under a generated token", async () => {
  await using place = await directory({
    "agents.ts": `import { words } from "./words.ts";
      const one: { name: string; run(): Promise<string> } = { name: "one", run: async () => words };
      export { one };
      export default one;
      export const several = [${agent("two", "2", "1.9.0")}, ${agent("two", "2", "1.10.0")}];
      export const limit = 3;
      export const options = { name: "no agent" };
      export function run() {}`,
    "words.ts": `export const words: string = "of another file";`,
    "more.mjs": `export { one } from "./agents.ts"; export default ${agent("three")};`,
  });
  await using served = await serve(place.path, ["agents.ts", "more.mjs"]);
  expect(served.playing.out).toBe(`Serving 4 agents at ${served.url}

  one         agents.ts
  two@1.9.0   agents.ts
  two@1.10.0  agents.ts
  three       more.mjs

Jobs are kept in memory: use --store arcp.db to keep them across restarts.
In another terminal:

  export ARCP_URL=${served.url} ARCP_TOKEN=${served.token}
  arcp agents
`);
  expect(served.playing.err).toBe("");
  await using client = await served.client();
  expect(client.agents()).toEqual([
    { name: "one", versions: [] },
    { name: "three", versions: [] },
    { name: "two", versions: ["1.9.0", "1.10.0"], default: "1.10.0" },
  ]);
  expect(await (await client.submit("one")).result()).toBe("of another file");
  await expect(served.client("guessed")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("on Windows, the line for another terminal is one for PowerShell", async () => {
  await using place = await directory({ "agents.ts": `export default ${agent("one")};` });
  const env = { OS: "Windows_NT" };
  const playing = new Playing(["serve", "agents.ts", "--port", "0"], { cwd: place.path, env });
  await playing.until(/arcp agents\n/);
  expect(playing.out).toMatch(/^ {2}\$env:ARCP_URL = "ws:\S+"; \$env:ARCP_TOKEN = "[\w-]+"$/m);
  playing.interrupt();
  await playing.done;
});

test("agents call the tools and models that the modules export, and two of one name clash", async () => {
  await using place = await directory({
    "agents.ts": `import { shared } from "./tools.ts";
      export default { name: "asks", run: async (ctx: any, query: string) => {
        const answer = await ctx.tools.call("web.search", { query });
        await ctx.model("acme/one").call(async () => ({ usage: { input: 500_000 } }), (reply: any) => reply.usage);
        return [answer, await ctx.tools.call("shared", {}), ctx.budget.remaining()];
      } };
      export const tools = { "web.search": ({ query }: any) => query + " found", shared };
      export const models = { "acme/one": { input: { USD: "2.00" } } };`,
    "tools.ts": `export const shared = { run: () => "shared" };
      export const tools = { shared }; export default ${agent("of-tools")};`,
    // The tools of LLM libraries are something else.
    "other.ts": `export const tools = [{ name: "search" }]; export default ${agent("other")};`,
  });
  {
    await using served = await serve(place.path, ["agents.ts", "tools.ts", "other.ts", "--watch"]);
    await using client = await served.client();
    const lease = { "tool.call": ["*"], "model.use": ["acme/*"], "cost.budget": ["USD:3.00"] };
    const job = await client.submit("asks", "owls", { lease });
    expect(await job.result()).toEqual(["owls found", "shared", { USD: "2" }]);
    await place.write("other.ts", `export default ${agent("else")};`);
    await served.playing.until(
      /reloaded: new else, gone other, tools and models as they were at the start\n/,
    );
  }
  await place.write(
    "other.ts",
    `export const tools = { shared() {} }; export default ${agent("a")};`,
  );
  const { code, err } = await arcp(["serve", "tools.ts", "other.ts"], { cwd: place.path });
  expect([code, err]).toEqual([2, "arcp: tools of tools.ts and of other.ts both have shared\n"]);
});

test("an agent made by the user's own copy of the runtime is served", async () => {
  await using place = await directory({
    "agents.ts": `import { defineAgent } from "@arcp/runtime";
      export default defineAgent({ name: "own", run: async (ctx) => ctx.job.agent });`,
  });
  await symlink(
    fileURLToPath(new URL("../../node_modules", import.meta.url)),
    join(place.path, "node_modules"),
  );
  await using served = await serve(place.path, ["agents.ts"]);
  await using client = await served.client();
  expect(await (await client.submit("own")).result()).toBe("own");
});

test("--token-file lists who may connect; without it, ARCP_TOKEN is the one token", async () => {
  await using place = await directory({
    "agents.ts": `export default { name: "who", run: async (ctx: any) => ctx.job.principal };`,
    tokens: "# people\n\n  t-alice alice \r\nt-bob\tbob\n",
  });
  {
    await using served = await serve(place.path, ["agents.ts", "--token-file", "tokens"]);
    expect(served.playing.out).toContain("with a token of tokens in ARCP_TOKEN:");
    expect(served.playing.out).not.toContain("t-alice");
    for (const name of ["alice", "bob"]) {
      await using client = await served.client(`t-${name}`);
      expect(await (await client.submit("who")).result()).toBe(name);
    }
    // Tokens may be added and removed while it runs.
    await writeFile(join(place.path, "tokens"), "t-carol carol\n");
    await using carol = await served.client("t-carol");
    expect(await (await carol.submit("who")).result()).toBe("carol");
    await expect(served.client("t-alice")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  }
  await using served = await serve(place.path, ["agents.ts"], { env: { ARCP_TOKEN: "mine" } });
  expect(served.playing.out).toContain("with the same ARCP_TOKEN:");
  expect(served.playing.out).not.toContain("mine");
  await using client = await served.client("mine");
  expect(await (await client.submit("who")).result()).toBe("local");
});

test("--store keeps jobs for the next process, and relative paths start at the current directory", async () => {
  await using place = await directory({
    "agents.ts": `export default { name: "reader", run: async (ctx: any) => String(await ctx.fs.readFile("note")) };`,
    note: "kept",
  });
  const [id, token] = await (async () => {
    await using served = await serve(place.path, ["agents.ts", "--store", "jobs.db"]);
    expect(served.playing.out).toContain("Jobs are kept in jobs.db.");
    await using client = await served.client();
    const job = await client.submit("reader", null, { lease: { "fs.read": ["*"] } });
    expect(await job.result()).toBe("kept");
    return [job.id, served.token];
  })();
  await using served = await serve(place.path, ["agents.ts", "--store", "jobs.db"]);
  // Otherwise a client that waits for its jobs could not connect again.
  expect(served.token).toBe(token);
  if (process.platform !== "win32") {
    expect((await stat(join(place.path, "jobs.db.token"))).mode & 0o077).toBe(0);
  }
  await using client = await served.client();
  expect(await (await client.job(id)).result()).toBe("kept");
});

test("jobs that the last process left behind go on, which is reported", async () => {
  await using place = await directory({
    "agents.ts": `export default { name: "again", attempts: 2, run: async (ctx: any) => ctx.attempt };`,
  });
  const waiting = { name: "again", attempts: 2, run: () => new Promise(() => {}) };
  const before = createRuntime({
    agents: [waiting],
    auth: tokenTable({ mine: "local" }),
    store: sqliteStore(join(place.path, "jobs.db")),
  });
  const server = await listen({ port: 0 }, before.serve);
  const first = await connect(dial(server.url), { token: "mine" });
  const { id } = await first.submit("again");
  await before.close();
  await Promise.all([first.close(), server.close()]);

  const env = { ARCP_TOKEN: "mine" };
  await using served = await serve(place.path, ["agents.ts", "--store", "jobs.db"], { env });
  expect(served.playing.out).toContain("Jobs are kept in jobs.db: 1 of them continues.\n");
  await using client = await served.client("mine");
  expect(await (await client.job(id)).result()).toBe(2);
});

test("--origin admits the pages of a site, and no others", async () => {
  await using place = await directory({ "agents.ts": `export default ${agent("a")};` });
  await using served = await serve(place.path, ["agents.ts", "--origin=https://app.example"]);
  const from = (origin: string) =>
    connect(dial(served.url, { headers: { origin } }), { token: served.token });
  await using _client = await from("https://app.example");
  await expect(from("https://other.example")).rejects.toThrow("403");
});

test("--host listens on another address, and says what that means", async () => {
  await using place = await directory({ "agents.ts": `export default ${agent("a")};` });
  await using served = await serve(place.path, ["agents.ts", "--host=0.0.0.0"]);
  expect(served.playing.out).toMatch(/^Serving 1 agent at ws:\/\/0\.0\.0\.0:\d+\/arcp$/m);
  expect(served.playing.err).toMatch(/^arcp: .*put a TLS proxy in front\n$/);
  // The line for another terminal works there as it is, with its token, which is sent to nobody in the clear.
  expect(served.url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/arcp$/);
  await using _client = await served.client();
});

test("an empty --host, as from an unset variable, does not mean every host", async () => {
  const { code, err } = await arcp(["serve", "agents.ts", "--host="]);
  expect([code, err]).toEqual([2, expect.stringContaining("has to be an address of this machine")]);
});

test("--watch reloads what changed, running jobs go on with the old code, and a broken module stays as it was", async () => {
  const held = (result: string) =>
    `export default { name: "held", run: async (ctx) => {
       await ctx.log.info("holding");
       await Promise.race([(globalThis as any).released, new Promise((_, no) => ctx.signal.addEventListener("abort", no))]);
       return word + ${JSON.stringify(result)};
     } };`;
  const { promise, resolve } = Promise.withResolvers<void>();
  Object.assign(globalThis, { released: promise });
  await using place = await directory({
    "agents.ts": `import { word } from "./word.ts"; ${held(" 1")}`,
    "word.ts": `export const word = "old";`,
    "other.ts": `export default ${agent("other", "other", "1.0.0")};`,
  });
  await using served = await serve(place.path, ["agents.ts", "other.ts", "--watch"]);
  await using client = await served.client();
  const old = await client.submit("held");
  for await (const { kind } of old.events) if (kind === "log") break;

  // A file that a module imports.
  await place.write("word.ts", `export const word = "new";`);
  await served.playing.until(/reloaded: 1 running on the old code\n/);
  const young = await client.submit("held");

  // A broken module is reported in one line, and everything stays as it was.
  await place.write("agents.ts", `import { word } from "./gone.ts"; ${held(" 2")}`);
  await served.playing.until(
    /not reloaded: agents\.ts: Cannot find module 'gone\.ts' imported from agents\.ts\n/,
  );
  const still = await client.submit("held");
  // A file that was missing repairs it.
  await place.write("gone.ts", `export const word = "come";`);
  await served.playing.until(/reloaded: 3 running on the old code\n/);
  const last = await client.submit("held");

  // Versions come and go.
  await place.write(
    "other.ts",
    `export default [${agent("other", "o", "2.0.0")}, ${agent("extra")}]`,
  );
  await served.playing.until(
    /reloaded: new other@2\.0\.0, new extra, gone other@1\.0\.0, 4 running on the old code\n/,
  );
  await expect(client.submit("other@1.0.0")).rejects.toMatchObject({
    code: "AGENT_VERSION_NOT_AVAILABLE",
  });
  expect(await (await client.submit("extra")).result()).toBe("extra");

  resolve();
  const results = await Promise.all([old, young, still, last].map((job) => job.result()));
  expect(results).toEqual(["old 1", "new 1", "new 1", "come 2"]);
});

test("--watch reloads a module that was gone for a while", async () => {
  await using place = await directory({ "a.ts": `export default ${agent("a")};` });
  await using served = await serve(place.path, ["a.ts", "--watch"]);
  await rm(join(place.path, "a.ts"));
  await served.playing.until(/not reloaded: there is no file a\.ts\n/);
  // Under another name first, as some editors write.
  await place.write("a.ts~", `export default ${agent("b")};`);
  await rename(join(place.path, "a.ts~"), join(place.path, "a.ts"));
  await served.playing.until(/reloaded: new b, gone a\n/);
});

const never = "await new Promise(() => {});";

test("a module that never finishes loading is given up for its next version, and does not delay the end", async () => {
  await using place = await directory({ "a.ts": `export default ${agent("a")};` });
  const { playing } = await serve(place.path, ["a.ts", "--watch"]);
  const loading = Promise.withResolvers<void>();
  Object.assign(globalThis, { loading });
  await place.write("a.ts", `(globalThis as any).loading.resolve(); ${never}`);
  await loading.promise;
  await place.write("a.ts", `export default ${agent("b")};`);
  await playing.until(/reloaded: new b, gone a\n/);
  const again = Promise.withResolvers<void>();
  Object.assign(globalThis, { loading: again });
  await place.write("a.ts", `(globalThis as any).loading.resolve(); ${never}`);
  await again.promise;
  playing.interrupt("SIGTERM");
  expect(await playing.done).toMatchObject({ code: 0, err: "" });
});

test("Ctrl-C ends the wait for a module, and one that can never load is reported", async () => {
  await using place = await directory({
    "a.ts": `(globalThis as any).loading.resolve(); ${never}`,
    "b.ts": never,
  });
  const loading = Promise.withResolvers<void>();
  Object.assign(globalThis, { loading });
  const playing = new Playing(["serve", "a.ts", "--port=0"], { cwd: place.path });
  await loading.promise;
  playing.interrupt();
  expect(await playing.done).toEqual({ code: 130, out: "", err: "" });
  const bin = fileURLToPath(new URL("../../bin/arcp.js", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [bin, "serve", "b.ts", "--port=0"], {
    cwd: place.path,
    encoding: "utf8",
  });
  const line = "arcp: b.ts never finishes loading: nothing will settle what it awaits\n";
  expect([status, stderr]).toEqual([2, line]);
});

test("Ctrl-C lets running jobs finish, a second one does not wait", async () => {
  await using place = await directory({
    "agents.ts": `export default { name: "held", run: async (ctx: any) => {
      await ctx.log.info("holding"); await (globalThis as any).released; return "done"; } };`,
  });
  const begun = async () => {
    const served = await serve(place.path, ["agents.ts"]);
    const client = await served.client();
    const job = await client.submit("held");
    for await (const { kind } of job.events) if (kind === "log") break;
    served.playing.interrupt();
    await served.playing.until(
      /stopping: 1 running job has 5 s to finish; press Ctrl-C again to stop now\n/,
    );
    return { served, client, job };
  };
  const { promise, resolve } = Promise.withResolvers<void>();
  Object.assign(globalThis, { released: promise });
  {
    const { served, client, job } = await begun();
    await expect(client.submit("held")).rejects.toMatchObject({ retryable: true });
    resolve();
    expect(await job.result()).toBe("done");
    expect(await served.playing.done).toMatchObject({ code: 0 });
    await client.close();
  }
  Object.assign(globalThis, { released: new Promise(() => {}) });
  const { served, client, job } = await begun();
  served.playing.interrupt();
  expect(await served.playing.done).toMatchObject({ code: 130 });
  await expect(job.result()).rejects.toMatchObject({ code: "CANCELLED" });
  await client.close();
});

/** The disk takes no more data, which the store learns at its next sync, until the return value is disposed of. */
function failingDisk(): Disposable {
  const { fdatasync } = fs;
  const use = (sync: typeof fdatasync): void => {
    fs.fdatasync = sync;
    syncBuiltinESMExports();
  };
  const fail = (_file: number, done: (error: Error) => void): void => done(new Error("EIO"));
  use(Object.assign(fail, { __promisify__: fdatasync.__promisify__ }));
  return { [Symbol.dispose]: () => use(fdatasync) };
}

test("a store that fails ends the server with 4 and one line, even while it stops, and the next one goes on", async () => {
  await using place = await directory({
    "agents.ts": `export default { name: "held", attempts: 9, run: async (ctx: any) => {
      (globalThis as any).begun.resolve();
      await (globalThis as any).released.promise; await ctx.log.info("one more"); } };`,
  });
  for (const when of ["serving", "stopping"]) {
    const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    Object.assign(globalThis, { begun, released });
    const { playing, client } = await serve(place.path, ["agents.ts", "--store", "arcp.db"]);
    await using owner = when === "serving" ? await client() : undefined;
    await owner?.submit("held");
    if (when === "stopping")
      expect(playing.out).toContain("Jobs are kept in arcp.db: 1 of them continues.");
    await begun.promise;
    if (when === "stopping") {
      playing.interrupt();
      await playing.until(/stopping: 1 running job has/);
    }
    using _disk = failingDisk();
    released.resolve();
    const { code, err } = await playing.done;
    const [last, ...log] = err.trimEnd().split("\n").reverse();
    expect([code, last]).toEqual([
      4,
      "arcp: the store has failed: the store is closed, because what it wrote may not be on disk: EIO; open it again",
    ]);
    expect(log.some((line) => line.includes("the store has failed for good"))).toBe(true);
    expect(err).not.toContain("a session could not be stored");
  }
});

test("errors that agents throw are shown to the operator, as text or as JSON", async () => {
  await using place = await directory({
    "agents.ts": `export default { name: "boom", run: async (_ctx, input) => {
      throw input ?? new Error("it \\u001b[2Jbroke"); } };`,
  });
  for (const columns of [80, undefined]) {
    const options = columns === undefined ? {} : { columns, env: { NO_COLOR: "1" } };
    await using served = await serve(place.path, ["agents.ts"], options);
    await using client = await served.client();
    await expect((await client.submit("boom")).result()).rejects.toThrow();
    await served.playing.until(/broke/);
    if (columns === undefined) {
      expect(JSON.parse(served.playing.err).err.message).toBe("it \u001b[2Jbroke");
    } else {
      expect(served.playing.err).toMatch(
        /^error an agent failed job=job_\w+ agent=boom\n {2}Error: it \\u001b\[2Jbroke\n {4,}at .*agents\.ts/,
      );
      await (await client.submit("boom", "no error")).outcome();
      await served.playing.until(/an agent failed job=job_\w+ agent=boom\n {2}no error\n/);
    }
  }
});

test.each([
  ["no module", [], {}, "arcp: missing required argument 'modules'"],
  ["a module that is not there", ["nope.ts"], {}, "arcp: there is no file nope.ts\n"],
  ["a directory", ["."], {}, "arcp: . is not a file: pass modules, such as agents.ts\n"],
  [
    "a manifest",
    ["package.json"],
    { "package.json": "{}" },
    "arcp: package.json is not a module: pass modules that export agents, such as agents.ts\n",
  ],
  [
    "a text",
    ["a.ts", "notes.txt"],
    { "a.ts": `export default ${agent("a")};`, "notes.txt": "" },
    "arcp: notes.txt is not a module: pass modules that export agents, such as agents.ts\n",
  ],
  [
    "what a module imports, which is none",
    ["a.ts"],
    { "a.ts": `import "./data.json"; export default ${agent("a")};`, "data.json": "{}" },
    'needs an import attribute of "type: json"',
  ],
  [
    "an import by the name that a compiler would give",
    ["a.ts"],
    { "a.ts": 'import "./other.js";', "other.ts": "" },
    "arcp: a.ts: Cannot find module 'other.js' imported from a.ts: the file is called other.ts\n",
  ],
  [
    "an import without an ending",
    ["a.ts"],
    { "a.ts": 'import "./other";', "other.ts": "" },
    "arcp: a.ts: Cannot find module 'other' imported from a.ts: the file is called other.ts\n",
  ],
  [
    "no agent",
    ["a.ts"],
    { "a.ts": "export const a = { name: 'a' };" },
    "arcp: a.ts exports no agent: write `export default defineAgent({ name, run })`\n",
  ],
  ["a syntax error", ["a.ts"], { "a.ts": "\nexport const = 3;" }, "arcp: a.ts:2: SyntaxError: "],
  [
    "what Node cannot strip",
    ["a.ts"],
    { "a.ts": "enum A { B }" },
    "arcp: a.ts:1: SyntaxError: TypeScript enum is not supported in strip-only mode\n",
  ],
  [
    "a module that throws",
    ["a.ts"],
    { "a.ts": "\n\nthrow new Error('no key\\nat all');" },
    "arcp: a.ts:3: no key\n",
  ],
  [
    "a module that throws something",
    ["a.ts"],
    { "a.ts": "throw 'up';" },
    'arcp: a.ts: it throws "up"\n',
  ],
  [
    "a package that is missing",
    ["a.ts"],
    { "a.ts": "import 'not-there';" },
    "arcp: a.ts: Cannot find package 'not-there' imported from a.ts\n",
  ],
  [
    "a bad name",
    ["a.ts"],
    { "a.ts": `export default ${agent("My Agent")};` },
    'arcp: a.ts: "My Agent" is not an agent reference; a name looks like "doc-indexer", a version like "2.1.0"\n',
  ],
  [
    "two that clash",
    ["a.ts", "b.ts"],
    { "a.ts": `export default ${agent("a")};`, "b.ts": `export default ${agent("a")};` },
    "arcp: the agent a is in a.ts and in b.ts: give one of them another name or version\n",
  ],
  [
    "one twice",
    ["a.ts"],
    { "a.ts": `export default [${agent("a")}, ${agent("a")}];` },
    "arcp: the agent a is in a.ts twice: ",
  ],
  [
    "a port that is none",
    ["a.ts", "--port=http"],
    {},
    "arcp: option '--port <port>' argument 'http' is invalid: it has to be a number from 0 to 65535.",
  ],
  [
    "a host that is none",
    ["a.ts", "--port=0", "--host=192.0.2.1"],
    { "a.ts": `export default ${agent("a")};` },
    "arcp: 192.0.2.1 is not an address of this machine: choose another --host\n",
  ],
  [
    "an origin that is none",
    ["a.ts", "--origin=app.example"],
    {},
    "it has to be like https://app.example, without a path.",
  ],
  ["a token file that is not there", ["a.ts", "--token-file=t"], {}, "arcp: there is no file t\n"],
  [
    "a token without principal",
    ["a.ts", "--token-file=t"],
    { t: "\ntoken\n" },
    "arcp: t:2 has to be `TOKEN PRINCIPAL`, such as `s3cret alice`\n",
  ],
  [
    "a token twice",
    ["a.ts", "--token-file=t"],
    { t: "x a\nx b" },
    "arcp: t:2 repeats the token of an earlier line\n",
  ],
  [
    "a token file without tokens",
    ["a.ts", "--token-file=t"],
    { t: "# none" },
    "arcp: t has no token: write one `TOKEN PRINCIPAL` per line\n",
  ],
  [
    "a store in no directory",
    ["a.ts", "--store=no/where.db"],
    { "a.ts": `export default ${agent("a")};` },
    `${join(sep, "no", "where.db")}: neither the file nor its directory exists: create the directory first\n`,
  ],
  [
    "a store below a file",
    ["a.ts", "--store=a.ts/where.db"],
    { "a.ts": `export default ${agent("a")};` },
    process.platform === "win32"
      ? "\\a.ts\\where.db: neither the file nor its directory exists: create the directory first\n"
      : "/a.ts/where.db: its parent directory is a file\n",
  ],
  [
    "a store that is a directory",
    ["a.ts", "--store=."],
    { "a.ts": `export default ${agent("a")};` },
    ": it is a directory: name a file inside it\n",
  ],
  ["a store for no module", ["b.ts", "--store=t"], {}, "arcp: there is no file b.ts\n"],
  [
    "a store that is none",
    ["a.ts", "--store=t"],
    { t: "x".repeat(5000), "a.ts": `export default ${agent("a")};` },
    `${sep}t: it is not a database\n`,
  ],
] satisfies [string, string[], Record<string, string>, string][])(
  "wrong usage takes one line, and exits with 2: %s",
  async (_what, args, files, line) => {
    await using place = await directory(files);
    const before = await readdir(place.path);
    const { code, out, err } = await arcp(["serve", ...args], { cwd: place.path });
    expect(err).toContain(line);
    // Such as a token for a store that does not exist.
    expect(await readdir(place.path)).toEqual(before);
    expect(err.match(/\n/g)).toHaveLength(1);
    expect([code, out]).toEqual([2, ""]);
  },
);

test("a Node that cannot run TypeScript is reported, with what would", async () => {
  await using place = await directory({ "a.ts": `export default ${agent("a")};` });
  const bin = fileURLToPath(new URL("../../bin/arcp.js", import.meta.url));
  const args = ["--no-experimental-strip-types", bin, "serve", "a.ts"];
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: place.path,
    encoding: "utf8",
  });
  const line = `arcp: a.ts needs Node 22.18 or later, which runs TypeScript; this is ${process.versions.node}\n`;
  expect([status, stderr]).toEqual([2, line]);
});

test("a port in use is reported", async () => {
  await using place = await directory({ "a.ts": `export default ${agent("a")};` });
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const { code, err } = await arcp(["serve", "a.ts", `--port=${port}`], { cwd: place.path });
  other.close();
  expect([code, err]).toEqual([
    2,
    `arcp: port ${port} is in use: choose another --port, or 0 for a free one\n`,
  ]);
});

// On Windows, a signal from another process ends this one unheard.
test.skipIf(process.platform === "win32")(
  "as a process it survives unhandled rejections, ends at the second signal, and hides experimental warnings",
  async () => {
    await using place = await directory({
      "agents.ts": `export default { name: "deaf", run: async (ctx: any) => {
      void Promise.reject(new Error("forgotten"));
      await ctx.log.info("working"); await new Promise((done) => setInterval(done, 2 ** 30)); } };
      void Promise.reject("up");
      void Promise.reject(Object.defineProperty(new Error(), "message", { get() { throw 1; } }));`,
      "package.json": "{}",
    });
    const bin = fileURLToPath(new URL("../../bin/arcp.js", import.meta.url));
    const args = [bin, "serve", "agents.ts", "--port=0", "--store=jobs.db", "--watch"];
    const child = spawn(process.execPath, args, { cwd: place.path, env: { ARCP_TOKEN: "t" } });
    // However the test ends.
    using _killed = { [Symbol.dispose]: () => void child.kill("SIGKILL") };
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    while (!out.includes("ARCP_URL=")) await once(child.stdout, "data");
    await using client = await connect(dial(/ARCP_URL=(\S+)/.exec(out)?.[1] ?? ""), { token: "t" });
    const job = await client.submit("deaf");
    for await (const { kind } of job.events) if (kind === "log") break;
    child.kill("SIGTERM");
    while (!err.includes("stopping")) await once(child.stderr, "data");
    // A different signal: the same one could arrive so soon that it does not count as a second.
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect(code).toBe(130);
    const [ofModule = "", unshown = "", ofJob = "", ...lines] = err.split("\n");
    const msg = "a promise was rejected and nobody awaits it";
    expect(JSON.parse(ofModule)).toMatchObject({ level: 50, msg, err: { message: "'up'" } });
    expect(JSON.parse(unshown).msg).toBe(`${msg}, with an error that cannot be shown`);
    expect(JSON.parse(ofJob)).toMatchObject({ msg, job: job.id, err: { message: "forgotten" } });
    expect(JSON.parse(ofJob)).toHaveProperty("agent", "deaf");
    expect(lines).toEqual([
      "stopping: 1 running job has 5 s to finish; press Ctrl-C again to stop now",
      "",
    ]);
  },
);
