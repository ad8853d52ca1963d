import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@arcp/client";
import { ManualClock, systemClock } from "@arcp/core";
import { dial } from "@arcp/transport-ws";
import { afterAll, expect, test } from "vitest";
import { Site } from "../../test/site.ts";
import { Hold } from "../state/hold.ts";
import type { LocalAnswer } from "../state/local-socket.ts";

const site = await Site.open();
afterAll(() => site[Symbol.asyncDispose]());

const detached = async (agent: string) => (await site.arcp("submit", agent, "--detach")).out.trim();

test("a detached job is cancelled by the session that owns it, with a reason", async () => {
  const job = await detached("counting");
  const watching = site.play(["watch", job, "--url", site.url]);
  await watching.until(/running/);
  watching.interrupt("SIGTERM");
  await watching.done;
  expect(await site.arcp("cancel", job, "--reason", "too dear")).toEqual({
    code: 0,
    out: `${job} is being cancelled\n`,
    err: "",
  });
  const { code, out } = await site.arcp("watch", job);
  expect([code, out]).toEqual([5, expect.stringMatching(/was cancelled: .*too dear/)]);
});

test("a job that has ended is reported as ended", async () => {
  const job = await detached("echo");
  expect((await site.arcp("result", job)).code).toBe(0);
  const ended = { code: 0, out: `${job} had already ended: success\n`, err: "" };
  expect(await site.arcp("cancel", job)).toEqual(ended);
  expect((await site.arcp("watch", job)).code).toBe(0);
  // By now nothing of it is stored here.
  expect(await site.arcp("cancel", job)).toEqual(ended);
});

test("after kill -9 of the live view, the job is cancelled in its session, which nobody holds any more", async () => {
  const bin = fileURLToPath(new URL("../../bin/arcp.js", import.meta.url));
  const child = spawn(process.execPath, [bin, "submit", "deaf", "--json"], {
    env: { ...process.env, ...site.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const { job } = JSON.parse(String(line).split("\n")[0] ?? "");
  expect(await site.arcp("cancel", job)).toMatchObject({ code: 0, err: "" });
});

test("of several submits under one key, the session that owns the job is found", async () => {
  const keyed = ["submit", "counting", "--key", "nightly", "--detach"];
  const first = (await site.arcp(...keyed)).out.trim();
  expect((await site.arcp(...keyed)).out.trim()).toBe(first);
  expect(await site.arcp("cancel", first)).toMatchObject({ code: 0, err: "" });
});

test("when the job is not the user's to cancel, the second Ctrl-C says so and leaves it running", async () => {
  const keyed = ["submit", "deaf", "--key", "hourly"];
  const job = (await site.arcp(...keyed, "--detach")).out.trim();
  const again = site.play(keyed);
  await again.until(/running/);
  again.interrupt();
  again.interrupt();
  const { code, err } = await again.done;
  expect([code, err]).toEqual([
    130,
    expect.stringMatching(/^arcp: the job cannot be cancelled: only /m),
  ]);
  expect((await site.arcp("cancel", job)).code).toBe(0);
});

test("a process that holds the session and does not answer is not waited for forever", async () => {
  const clock = new ManualClock(systemClock.now());
  const job = await detached("deaf");
  const base = join(site.home, "state/arcp/submissions");
  const directory = join(base, String((await readdir(base)).sort().at(-1)));
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<LocalAnswer>();
  await using _stopped = await Hold.take(directory, () => {
    asked.resolve();
    return answer.promise;
  });
  const playing = site.play(["cancel", job], { clock });
  await asked.promise;
  clock.advance(35_000);
  expect(await playing.done).toEqual({
    code: 4,
    out: "",
    err: "arcp: the process that shows the job is stopped\n",
  });
  answer.resolve({ ok: true });
});

test("a wrong token does not spoil a later cancel", async () => {
  const job = await detached("counting");
  expect(await site.arcp("cancel", job, "--token=other")).toMatchObject({
    code: 2,
    err: expect.stringContaining("JOB_NOT_FOUND"),
  });
  expect(await site.arcp("cancel", job)).toMatchObject({ code: 0, err: "" });
});

test("a refused cancel takes one line", async () => {
  await using client = await connect(dial(site.url), { token: "secret" });
  const { id } = await client.submit("deaf");
  const lines = [
    [
      await site.arcp("cancel", id),
      /^arcp: only the session that submitted .+ \(PERMISSION_DENIED\)\n$/,
    ],
    [
      await site.arcp("cancel", "job_none"),
      /^arcp: .+; `arcp jobs` lists yours \(JOB_NOT_FOUND\)\n$/,
    ],
    [
      await site.arcp("cancel"),
      /^arcp: missing required argument 'job': usage is `arcp cancel \[options\] <job>`\n$/,
    ],
    [
      await site.arcp("cancel", id, "--reason", "x".repeat(1_025)),
      /^arcp: --reason takes at most 1024 characters, not 1025\n$/,
    ],
  ] as const;
  for (const [played, line] of lines) {
    expect(played).toMatchObject({ code: 2, out: "", err: expect.stringMatching(line) });
  }
});
