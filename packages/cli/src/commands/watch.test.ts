import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect } from "@arcp/client";
import { ManualClock, systemClock } from "@arcp/core";
import { dial, listen } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { Site } from "../../test/site.ts";
import type { CommandContext } from "../context.ts";
import { OwnJob } from "../state/own-job.ts";
import { Submission } from "../state/submission.ts";
import { surroundings } from "../surroundings.ts";

const bin = fileURLToPath(new URL("../../bin/arcp.js", import.meta.url));

/** The numbers that a JSON view printed, and the state in its last object. */
function seen(out: string) {
  const objects = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const logged = objects.filter(({ kind }) => kind === "log");
  const numbers = logged.map(({ body }) => Number(body.message.replace("number ", "")));
  return { numbers, status: objects.at(-1).status, result: objects.at(-1).result };
}

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
const submissions = (site: Site) => readdir(join(site.home, "state/arcp/submissions"));

test("a killed submit loses nothing: watch shows each event once, and no second job runs", async () => {
  await using site = await Site.open();
  const { counting } = site;
  const child = spawn(process.execPath, [bin, "submit", "counting", "--json"], {
    env: { ...process.env, ...site.env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  counting.upTo(40);
  for await (const line of createInterface(child.stdout)) if (line.includes("number 40")) break;
  child.kill("SIGKILL");
  await once(child, "exit");
  counting.upTo(60);
  const watching = site.play(["watch", "--json"]);
  await watching.until(/number 60/);
  counting.upTo(70);
  counting.end();
  const { code, out } = await watching.done;
  expect(code).toBe(0);
  expect(seen(out)).toEqual({ numbers: upTo(70), status: "success", result: 70 });
  expect(counting.starts).toBe(1);
  expect(await submissions(site)).toEqual([]);
});

test("a submit killed before it learned of its job is found by its key, whether it was sent or not", async () => {
  await using site = await Site.open();
  const around = surroundings({ env: site.env });
  const begin = (key: string) =>
    Submission.begin({ agent: "counting", input: { of: key } }, { url: site.url, key }, around);
  await begin("never sent");
  site.counting.end();
  expect(await site.arcp("watch")).toMatchObject({ code: 0 });
  expect(site.counting.starts).toBe(1);

  await begin("sent");
  const client = await connect(dial(site.url), { token: "secret" });
  const job = await client.submit("counting", { of: "sent" }, { idempotencyKey: "sent" });
  await client.close();
  expect(site.counting.starts).toBe(2);
  const { code, out } = await site.arcp("watch");
  expect([code, out]).toEqual([0, expect.stringContaining(job.id)]);
  expect(site.counting.starts).toBe(2);
});

test("Ctrl-C before the runtime has answered a submit leaves a way to find out what became of it", async () => {
  await using site = await Site.open();
  // The runtime gets the submit, but its reply does not get through.
  const swallowing = await listen({ port: 0 }, async (near) => {
    const far = await dial(site.url)(new AbortController().signal);
    void (async () => {
      for await (const frame of near.frames) await far.send([frame]);
      far.close();
    })().catch(() => far.close());
    for await (const frame of far.frames) {
      if (frame.includes('"job.accepted"')) submitting.interrupt();
      if (frame.includes('"session.welcome"')) await near.send([frame]);
    }
  });
  const submitting = site.play(["submit", "counting", `--url=${swallowing.url}`]);
  expect(await submitting.done).toEqual({
    code: 130,
    out: "",
    err: "arcp: a job may have been started: check with `arcp watch`\n",
  });
  await swallowing.close();
  site.counting.end();
  expect((await site.arcp("watch", "--url", site.url)).code).toBe(0);
  expect(site.counting.starts).toBe(1);
});

test("an unanswered submit is not sent again once the runtime no longer knows its key", async () => {
  await using site = await Site.open();
  const clock = new ManualClock(Date.now() - 24 * 3_600_000);
  const around = surroundings({ env: site.env, clock });
  await Submission.begin({ agent: "counting", input: null }, { url: site.url, key: "k" }, around);
  expect(await site.arcp("watch")).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /^arcp: the outcome of the submit of \S+ is unknown: submit again\n$/,
    ),
  });
  expect(site.counting.starts).toBe(0);
});

test("Ctrl-C detaches from the job and says how to return, and that works", async () => {
  await using site = await Site.open();
  const clock = new ManualClock(systemClock.now());
  const submitting = site.play(["submit", "counting"], { clock });
  site.counting.upTo(3);
  await submitting.until(/number 3/);
  submitting.interrupt();
  await submitting.until(/the job continues; press Ctrl-C again to cancel it/);
  site.counting.upTo(4);
  await submitting.until(/number 4/);
  clock.advance(2_000);
  const { code, err } = await submitting.done;
  expect(code).toBe(130);
  const [, job = ""] = /to return: `arcp watch (job_\w+)`/.exec(err) ?? [];

  const watching = site.play(["watch", job, "--json"]);
  await watching.until(/number 4/);
  site.counting.upTo(5);
  site.counting.end();
  const { out } = await watching.done;
  expect(seen(out)).toEqual({ numbers: upTo(5), status: "success", result: 5 });
  expect(site.counting.starts).toBe(1);
});

test("the second Ctrl-C cancels the job, even one that was returned to", async () => {
  await using site = await Site.open();
  const twice = async (...args: string[]) => {
    const playing = site.play(args);
    await playing.until(/running/);
    playing.interrupt();
    playing.interrupt();
    return playing.done;
  };
  expect(await twice("submit", "counting")).toMatchObject({
    code: 5,
    out: expect.stringMatching(/✖ job_\w+ was cancelled: .*cancelled by Ctrl-C/),
    err: expect.stringContaining("Ctrl-C again to exit now"),
  });
  const { out } = await site.arcp("submit", "counting", "--detach");
  expect((await twice("watch", out.trim())).code).toBe(5);
});

test("the third Ctrl-C leaves a job that does not stop", async () => {
  await using site = await Site.open();
  const playing = site.play(["submit", "deaf"]);
  await playing.until(/running/);
  for (let press = 0; press < 3; press++) playing.interrupt();
  expect((await playing.done).code).toBe(130);
});

test("beside a live view, others watch and cancel without taking its session over", async () => {
  await using site = await Site.open();
  const live = site.play(["submit", "counting"]);
  site.counting.upTo(2);
  await live.until(/number 2/);
  const [, job = ""] = /(job_\w+)/.exec(live.out) ?? [];
  const beside = site.play(["watch", job]);
  await beside.until(/number 2/);
  // A viewer has no authority: there, Ctrl-C leaves at once.
  const other = site.play(["watch"]);
  await other.until(/number 2/);
  other.interrupt();
  expect((await other.done).code).toBe(130);

  site.counting.upTo(3);
  await Promise.all([live.until(/number 3/), beside.until(/number 3/)]);
  expect(await site.arcp("cancel", job, "--reason", "wrong folder")).toEqual({
    code: 0,
    out: `${job} is being cancelled\n`,
    err: "",
  });
  for (const { code, out, err } of await Promise.all([live.done, beside.done])) {
    expect([code, err]).toEqual([5, ""]);
    expect(out).toMatch(/was cancelled: .*wrong folder/);
  }
});

test("a job of another machine is watched, with its history, and not cancelled by Ctrl-C", async () => {
  await using site = await Site.open();
  await using client = await connect(dial(site.url), { token: "secret" });
  const job = await client.submit("counting");
  site.counting.upTo(2);
  const watching = site.play(["watch", job.id]);
  await watching.until(/number 2/);
  watching.interrupt();
  watching.interrupt();
  expect(await watching.done).toMatchObject({
    code: 130,
    err: expect.stringContaining("to return: "),
  });
  site.counting.end();
  expect(await job.result()).toBe(2);
  expect(await site.arcp("watch", job.id)).toMatchObject({ code: 0 });
});

test("it reattaches where the job was submitted, whatever the environment says now", async () => {
  await using site = await Site.open();
  const { out } = await site.arcp("submit", "echo", "--detach");
  const env = { ARCP_URL: "ws://127.0.0.1:9/arcp" };
  expect((await site.arcp("jobs", "--token=secret")).out).toContain(out.trim());
  expect((await site.play(["watch", out.trim()], { env }).done).code).toBe(0);
});

test("a token in the environment beats that of a profile from the environment, then and on return", async () => {
  await using site = await Site.open();
  const profiles = join(site.home, "config/arcp");
  await mkdir(profiles, { recursive: true });
  const work = { url: site.url, token: "other" };
  await writeFile(join(profiles, "profiles.json"), JSON.stringify({ work }));
  const env = { ARCP_PROFILE: "work" };
  const { out } = await site.play(["submit", "echo", "--detach"], { env }).done;
  expect((await site.arcp("jobs", "--token=secret")).out).toContain(out.trim());
  expect((await site.play(["watch", out.trim()], { env }).done).code).toBe(0);
});

test("it is watched in a fresh session once the runtime has forgotten the one that owned it", async () => {
  const clock = new ManualClock(systemClock.now());
  await using site = await Site.open({ clock, limits: { resumeWindowSec: 60 } });
  site.counting.upTo(2);
  const job = (await site.arcp("submit", "counting", "--detach")).out.trim();
  clock.advance(61_000);
  const watching = site.play(["watch", job]);
  await watching.until(/number 2/);
  watching.interrupt();
  watching.interrupt();
  expect((await watching.done).code).toBe(5);
});

test("a full disk ends nobody's view, and a user who leaves is told", async () => {
  await using site = await Site.open();
  const { counting } = site;
  const submitting = site.play(["submit", "counting"]);
  counting.upTo(1);
  await submitting.until(/number 1/);
  const watching = site.play(["watch"]);
  await watching.until(/number 1/);
  await rm(join(site.home, "state"), { recursive: true });
  await writeFile(join(site.home, "state"), "");
  site.drop();
  await submitting.until(/reconnected/);
  counting.upTo(2);
  await submitting.until(/number 2/);
  submitting.interrupt("SIGTERM");
  const { code, err } = await submitting.done;
  expect(code).toBe(130);
  // Windows says of what is below a file that it is missing.
  const why = process.platform === "win32" ? "ENOENT" : "ENOTDIR";
  expect(err).toMatch(
    new RegExp(`\\narcp: not everything needed to come back could be saved: ${why}: .*\\n$`),
  );
  counting.end();
  expect((await watching.done).code).toBe(0);
});

test("the next process goes on with what another one stored meanwhile", async () => {
  await using site = await Site.open();
  const job = (await site.arcp("submit", "counting", "--detach")).out.trim();
  const context = {
    ...surroundings({ env: site.env }),
    signal: new AbortController().signal,
  } as CommandContext;
  const [stale] = await Submission.of(job, context);
  const watching = site.play(["watch", job]);
  await watching.until(/running/);
  watching.interrupt("SIGTERM");
  await watching.done;
  if (stale === undefined) throw new Error("nothing was written");
  await using own = await OwnJob.open(stale, {}, context);
  await own?.job.cancel();
  expect(await own?.job.outcome()).toMatchObject({ status: "cancelled" });
});

test("a lost connection is reported, and nothing is lost by it or shown twice", async () => {
  await using site = await Site.open();
  const json = site.play(["submit", "counting", "--json"]);
  site.counting.upTo(2);
  await json.until(/number 2/);
  const [piped, terminal] = [site.play(["watch"]), site.play(["watch"], { columns: 60 })];
  await Promise.all([piped.until(/number 2/), terminal.until(/● connected/)]);
  site.drop();
  site.counting.upTo(4);
  await terminal.until(/● connection lost, reconnecting .*\n(.*\n)*.*● connected/);
  await Promise.all([json.until(/number 4/), piped.until(/number 4/), terminal.until(/number 4/)]);
  site.counting.end();
  const { out } = await json.done;
  expect(seen(out)).toMatchObject({ numbers: upTo(4), result: 4 });
  const states = [...out.matchAll(/"type":"connection","state":"(\w+)"/g)].map(
    ([, state]) => state,
  );
  expect(states).toEqual(["retrying", "online"]);
  expect((await piped.done).err).toMatch(
    /^arcp: connection lost, reconnecting: .+\narcp: reconnected\n$/,
  );
  await terminal.done;
});

test("a failure to watch takes one line", async () => {
  await using site = await Site.open();
  expect(await site.arcp("watch")).toEqual({
    code: 2,
    out: "",
    err: "arcp: all jobs submitted here have been shown: name one, `arcp jobs` lists yours\n",
  });
  expect(await site.arcp("watch", "job_none")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^arcp: .+; `arcp jobs` lists yours \(JOB_NOT_FOUND\)\n$/),
  });
  const { out } = await site.arcp("submit", "deaf", "--detach");
  expect(await site.arcp("watch", "--token=other")).toEqual({
    code: 2,
    out: "",
    err: `arcp: this runtime has no ${out.trim()} of yours; \`arcp jobs\` lists yours (JOB_NOT_FOUND)\n`,
  });
  expect(await site.arcp("watch", out.trim(), "--url=ws://127.0.0.1:9/arcp")).toMatchObject({
    code: 4,
  });
});

test("a job that the runtime no longer has is reported once, and again if it is named", async () => {
  await using site = await Site.open();
  const submit = async () => (await site.arcp("submit", "counting", "--detach")).out.trim();
  const [older, latest] = [await submit(), await submit()];
  const gone = (job: string) => ({
    code: 2,
    err: `arcp: this runtime has no ${job} of yours; \`arcp jobs\` lists yours (JOB_NOT_FOUND)\n`,
  });
  // Another runtime says nothing about the one where it was submitted.
  await using other = await Site.open();
  expect(await site.arcp("watch", `--url=${other.url}`)).toMatchObject(gone(latest));
  expect(await site.arcp("watch", "--token=other")).toMatchObject(gone(latest));
  expect(await site.arcp("watch", "--token=other")).toMatchObject(gone(older));
  expect(await site.arcp("watch")).toMatchObject({
    code: 2,
    err: expect.stringContaining("all jobs submitted here have been shown"),
  });
  site.counting.upTo(1);
  const named = site.play(["watch", older]);
  await named.until(/number 1/);
  named.interrupt("SIGTERM");
  await named.done;
  const bare = site.play(["watch"]);
  await bare.until(new RegExp(`${older}.*\\n(.*\\n)*.*number 1`));
  site.counting.end();
  expect(await bare.done).toMatchObject({ code: 0 });
});

test("a runtime that comes back without its jobs is reported to have lost the one on display", async () => {
  await using before = await Site.open();
  await using after = await Site.open();
  let [runtime, cut] = [before.runtime, () => {}];
  const server = await listen({ port: 0 }, (transport, peer) => {
    cut = () => transport.close("going-away");
    runtime.serve(transport, peer);
  });
  const running = before.play(["submit", "counting"], { env: { ARCP_URL: server.url } });
  before.counting.upTo(1);
  await running.until(/number 1/);
  runtime = after.runtime;
  cut();
  const { code, err } = await running.done;
  await server.close();
  expect(code).toBe(2);
  expect(err).toMatch(
    /^arcp: the runtime no longer has job_\w+: it may have been restarted without its store; /m,
  );
});
