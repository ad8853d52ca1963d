import { setImmediate as turn } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { type Client, connect } from "@arcp/client";
import { systemClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arcp, Playing } from "../../test/played.ts";

/** Jobs of `held` end when they are told to. */
const gates = new Map<string, PromiseWithResolvers<void>>();
const held = defineAgent({
  name: "held",
  version: "1.0.0",
  async run(ctx, input: unknown) {
    await ctx.progress({ current: 1, total: 3 });
    await gates.get(String(input))?.promise;
  },
});
const done = defineAgent({ name: "done", run: () => "done" });
const failing = defineAgent({ name: "failing", run: () => Promise.reject(new Error("no")) });

const runtime = createRuntime({
  agents: [held, done, failing],
  auth: tokenTable({ t: "alice", own: "carol", other: "bob" }),
  logger: pino({ level: "silent" }),
});
let server: Awaited<ReturnType<typeof listen>>;
let client: Client;
let at: string[];
beforeAll(async () => {
  server = await listen({ port: 0 }, runtime.serve);
  at = ["--url", server.url, "--token", "t"];
  client = await connect(dial(server.url), { token: "t" });
});
afterAll(async () => {
  for (const gate of gates.values()) gate.resolve();
  await client.close();
  await runtime.close();
  await server.close();
});

async function hold(name: string, by = client) {
  gates.set(name, Promise.withResolvers());
  const job = await by.submit("held", name);
  for await (const { kind } of job.events) if (kind === "progress") break;
  return job;
}

/** Resolves in the next millisecond: jobs accepted within the same one have no defined order. */
async function later(): Promise<void> {
  for (const now = systemClock.now(); systemClock.now() === now; ) await turn();
}

const rows = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

test("the latest jobs are listed in a table, with state, agent, age and number", async () => {
  const at = ["--url", server.url, "--token", "own"];
  await using owner = await connect(dial(server.url), { token: "own" });
  const jobs = [await owner.submit("done")];
  await later();
  jobs.push(await owner.submit("failing"));
  await later();
  jobs.push(await hold("listed", owner));
  await Promise.all(jobs.slice(0, 2).map((job) => job.outcome()));
  const [first, second, third] = jobs.map(({ id }) => id);
  const all = await arcp(["jobs", ...at]);
  expect(all).toMatchObject({ code: 0, err: "" });
  expect(rows(all.out)).toEqual([
    ["JOB", "STATUS", "AGE", "AGENT"],
    [first, "success", expect.stringMatching(/^\d+s$/), "done"],
    [second, "error", expect.stringMatching(/^\d+s$/), "failing"],
    [third, "running", expect.stringMatching(/^\d+s$/), "held@1.0.0"],
  ]);
  const ids = async (...flags: string[]) => {
    const { out, code } = await arcp(["jobs", ...at, "--json", ...flags]);
    expect(code).toBe(0);
    return out
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).job);
  };
  expect(await ids()).toEqual([first, second, third]);
  expect(await ids("--status=success", "--status", "error")).toEqual([first, second]);
  expect(await ids("--agent", "held")).toEqual([third]);
  expect(await ids("--agent", "held@2.0.0")).toEqual([]);
  expect(await ids("--limit=2")).toEqual([second, third]);
  expect(await ids("--since=1h")).toEqual([first, second, third]);
  expect(await ids("--since=2100-01-01")).toEqual([]);
  expect(await ids("--token=other")).toEqual([]);
  expect(JSON.parse((await arcp(["jobs", ...at, "--json", "--limit=1"])).out)).toEqual({
    job: third,
    agent: "held@1.0.0",
    status: "running",
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(await arcp(["jobs", ...at, "--agent=other"])).toEqual({
    code: 0,
    out: "",
    err: "arcp: no job matches\n",
  });
  expect((await arcp(["jobs", ...at, "--token=other"])).err).toBe("arcp: you have no jobs\n");
  expect((await arcp(["jobs", ...at, "--limit=1"])).err).toBe(
    "the latest 1 of 3: use --limit for more\n",
  );
  gates.get("listed")?.resolve();
});

test("the table fits the width of the terminal, and cuts no id", async () => {
  const { id } = await client.submit("held", "fits");
  for (const columns of [30, 40, 48, 60, 120]) {
    const { out } = await arcp(["jobs", ...at], { columns, env: { NO_COLOR: "1" } });
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    expect(out).toMatch(new RegExp(`^${id}${columns < 54 ? "$" : "  [a-z]"}`, "m"));
    expect(out).toContain("held@1.0.0");
  }
});

test("--follow shows each change and each new job, until Ctrl-C", async () => {
  const before = await hold("before");
  const json = new Playing(["jobs", ...at, "--follow", "--json", "--agent=held"]);
  const text = new Playing(["jobs", ...at, "--follow", "--status=running"]);
  const live = new Playing(["jobs", ...at, "--follow", "--limit=2"], {
    columns: 60,
    env: { NO_COLOR: "1" },
  });
  const screen = () => stripVTControlCharacters(live.out);
  await Promise.all([
    json.until(new RegExp(`"${before.id}".*"running"`)),
    text.until(new RegExp(`${before.id} {2}running`)),
    live.until(new RegExp(`${before.id} {2}running 33%`)),
  ]);
  const later = await hold("later");
  await Promise.all([
    json.until(new RegExp(`"${later.id}".*"running"`)),
    text.until(new RegExp(`${later.id} {2}running`)),
    live.until(new RegExp(`${later.id} {2}running 33%`)),
  ]);
  gates.get("before")?.resolve();
  await Promise.all([
    json.until(new RegExp(`"${before.id}".*"success"`)),
    live.until(new RegExp(`${before.id} {2}success`)),
  ]);
  gates.get("later")?.resolve();
  await json.until(new RegExp(`"${later.id}".*"success"`));
  for (const playing of [json, text, live]) {
    playing.interrupt();
    expect(await playing.done).toMatchObject({ code: 130, err: "" });
  }
  const told = json.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(told.filter(({ job }) => job === before.id).map((row) => row.status)).toEqual([
    "running",
    "success",
  ]);
  const states = told.filter(({ job }) => job === later.id).map((row) => row.status);
  // The listing may find it before its agent runs.
  expect(states.filter((status) => status !== "pending")).toEqual(["running", "success"]);
  expect(text.out).not.toContain("success");
  for (const line of screen().split("\n")) expect(line.length).toBeLessThanOrEqual(60);
});

test("a terminal that cannot draw gets lines", async () => {
  const playing = new Playing(["jobs", "--follow", ...at], { columns: 60, env: { TERM: "dumb" } });
  const job = await client.submit("done");
  await playing.until(new RegExp(`${job.id}  success`));
  playing.interrupt();
  expect((await playing.done).out).not.toContain("\u001b");
});

test.each([
  ["--status=done", "it has to be one of pending, running, success, error, cancelled, timed_out."],
  ["--limit=1000000", "it has to be a whole number from 1 to 999999."],
  ["--limit=0", "it has to be a whole number from 1 to 999999."],
  [
    "--since=yesterday",
    "it has to be a duration, such as 2h or 7d, or a time, such as 2026-01-31T09:00.",
  ],
  ["--since=999999d", "it has to be within the years 0 to 9999, such as 7d."],
  ["--since=3w", "it has to be a duration, such as 90s, 30m, 12h or 7d."],
])("wrong usage takes one line, and exits with 2: %s", async (flag, line) => {
  const { code, out, err } = await arcp(["jobs", flag]);
  expect(err).toContain(line);
  expect([code, out, err.match(/\n/g)?.length]).toEqual([2, "", 1]);
});

test("a refused token is reported", async () => {
  const { code, out, err } = await arcp(["jobs", ...at, "--token=guessed"]);
  expect(err).toMatch(/^arcp: the token was refused: .*\n$/);
  expect([code, out]).toEqual([2, ""]);
});
