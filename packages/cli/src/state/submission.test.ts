import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { scratch } from "../../test/played.ts";
import { surroundings } from "../surroundings.ts";
import { Hold } from "./hold.ts";
import { Submission } from "./submission.ts";

const WEEK = 7 * 24 * 60 * 60 * 1000;

test("a record that nobody returned to is forgotten after a week, and nothing else is", async () => {
  await using home = await scratch();
  const clock = new ManualClock(Date.now());
  const around = surroundings({ env: { XDG_STATE_HOME: home.path }, clock });
  const begin = (key: string) =>
    Submission.begin({ agent: "echo", input: null }, { url: "ws://127.0.0.1:9/", key }, around);
  const keys = async () => (await Submission.all(around)).map(({ record }) => record.key);
  const written = (directory: string, ms: number) => utimes(directory, ms / 1000, ms / 1000);

  const old = await begin("old");
  const held = await begin("held");
  await using _hold = await Hold.take(held.directory, async () => ({ ok: true }));
  const young = await begin("young");
  // Left by a process that was killed before it could write anything into it.
  const half = join(home.path, "arcp/submissions/sub_0");
  await mkdir(half);
  await written(join(old.directory, "record.json"), clock.now() - WEEK - 1_000);
  await written(join(held.directory, "record.json"), clock.now() - 2 * WEEK);
  await written(join(young.directory, "record.json"), clock.now() - WEEK + 60_000);
  await written(half, 0);
  await begin("new");
  expect(await keys()).toEqual(["new", "young", "held"]);
  expect(await readdir(join(half, ".."))).toHaveLength(3);
});

test("submits that begin while others are forgotten do not see them go", async () => {
  await using home = await scratch();
  const around = surroundings({ env: { XDG_STATE_HOME: home.path } });
  const begin = (key: string) =>
    Submission.begin({ agent: "echo", input: null }, { url: "ws://127.0.0.1:9/", key }, around);
  const many = Array.from({ length: 20 }, (_, index) => `${index}`);
  const first = await Promise.all(many.map(begin));
  const going = first.map((submission) => submission.forget());
  const second = await Promise.all(many.map(begin));
  await Promise.all([...going, ...second.map((submission) => submission.forget())]);
  expect(await Submission.all(around)).toEqual([]);
});

test("what is not a record, is half written or has another version is ignored, and does no harm", async () => {
  await using home = await scratch();
  const around = surroundings({ env: { XDG_STATE_HOME: home.path } });
  const whole = {
    version: 1,
    url: "ws://127.0.0.1:9/",
    key: "k",
    submittedAt: "2026-01-31T09:00Z",
  };
  const texts = [
    "",
    '{"version":1,"ur',
    "null",
    '{"version":1}',
    ...[{ version: 2 }, { url: 1 }, { key: null }, { submittedAt: "then" }].map((wrong) =>
      JSON.stringify({ ...whole, job: "job_1", ...wrong }),
    ),
    ...[
      {},
      { job: 1 },
      { request: "echo" },
      { request: { input: 1 } },
      { job: "j", profile: 1 },
    ].map((wrong) => JSON.stringify({ ...whole, ...wrong })),
  ];
  for (const [index, text] of texts.entries()) {
    const directory = join(home.path, `arcp/submissions/sub_${index}`);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "record.json"), text);
  }
  expect(await Submission.all(around)).toEqual([]);
  await Submission.begin(
    { agent: "echo", input: null },
    { url: "ws://127.0.0.1:9/", key: "k" },
    around,
  );
  expect(await Submission.all(around)).toHaveLength(1);
});
