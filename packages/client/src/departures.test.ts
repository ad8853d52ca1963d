import { decode, type JobId, ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { SESSION } from "../test/scripted-runtime.ts";
import { Departures } from "./departures.ts";
import { dialects } from "./dialect.ts";
import { JobFeeds } from "./job-feeds.ts";
import { Requests } from "./requests.ts";

test("without room each attempt tries only one frame, however many jobs wait; with room all go out in order", () => {
  const told: (string | undefined)[] = [];
  let hasRoom = false;
  let tried = 0;
  const send = (frame: string): boolean => {
    tried += 1;
    const decoded = decode(frame);
    if (hasRoom) told.push(decoded.kind === "ok" ? decoded.message.job_id : undefined);
    return hasRoom;
  };
  const departures = new Departures({
    feeds: new JobFeeds(),
    requests: new Requests({
      clock: new ManualClock(),
      timeout: 1_000,
      send: () => false,
      jobs: [],
      dialect: () => dialects.own,
    }),
    session: () => SESSION,
    send,
  });
  const jobs = Array.from({ length: 100 }, (_, n) => `job_${n}` as JobId);
  for (const job of jobs) {
    departures.add(job);
    departures.tell();
  }
  expect(tried).toBe(jobs.length);
  hasRoom = true;
  departures.tell();
  expect(told).toEqual(jobs);
});
