import { ManualClock } from "@arcp/core";
import { memoryStore } from "@arcp/runtime";
import { expect, test } from "vitest";
import { Hosted, numbers, reachedNumber, upTo } from "../test/hosted.ts";
import { collect, reached } from "../test/scripted-runtime.ts";

/** Heartbeats do not matter here, and a clock that moves in leaps would disturb them. */
const features = [
  "ack",
  "list_jobs",
  "subscribe",
  "agent_versions",
  "progress",
  "result_chunk",
  "x-vendor.arcp.request_id",
];

test("R-6.3-19: a client that was away for longer than the window goes on in a fresh session, and may cancel there", async () => {
  const clock = new ManualClock();
  await using house = new Hosted({ clock, limits: { resumeWindowSec: 60 } });
  const client = await house.connect({ clock, features });
  const before = client.session.id;
  const job = await client.submit<number>("counting");
  house.counting.upTo(50);
  await reachedNumber(job.events, 50);
  house.unplug();
  await reached(client, "retrying");
  house.counting.upTo(120);
  clock.advance(120_000);
  house.plugIn();
  for await (const state of client.states) {
    if (state.kind === "online") break;
    if (state.kind === "retrying") clock.advance(state.in);
  }
  await reachedNumber(job.events, 120);
  expect(client.session.id).not.toBe(before);
  await job.cancel("enough");
  await expect(job.result()).rejects.toMatchObject({ code: "CANCELLED" });
  expect(numbers(await collect(job.events))).toEqual(upTo(120));
});

test("R-6.3-17: records evicted meanwhile are reported as lost in the stream, and the rest comes in order", async () => {
  const store = memoryStore({ logLimits: { records: 20 } });
  await using house = new Hosted({ store });
  const client = await house.connect();
  const job = await client.submit<number>("counting");
  house.counting.upTo(5);
  await reachedNumber(job.events, 5);
  house.unplug();
  await reached(client, "retrying");
  house.counting.upTo(200);
  house.counting.end();
  const operator = house.runtime;
  while ((await operator.jobs.get(job.id))?.status === "running") {
    await new Promise((resolve) => setImmediate(resolve));
  }
  house.plugIn();
  client.retryNow();
  expect(await job.result()).toBe(200);
  const events = await collect(job.events);
  const lost = events.findIndex(({ kind }) => kind === "history_lost");
  expect(numbers(events.slice(0, lost))).toEqual(upTo(5));
  expect(events[lost]?.body).toEqual({ after: 6 });
  const rest = numbers(events.slice(lost + 1));
  expect(rest).toEqual(upTo(200).slice(200 - rest.length));
  expect(rest.length).toBeGreaterThan(5);
});
