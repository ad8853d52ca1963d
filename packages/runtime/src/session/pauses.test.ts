import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Pauses } from "./pauses.ts";

test("a job is read again once everyone who asked for the pause has ended it", () => {
  const [job, other] = [newJobId(), newJobId()];
  const pauses = new Pauses();
  pauses.begin(job);
  pauses.begin(job);
  expect([pauses.has(job), pauses.has(other)]).toEqual([true, false]);
  expect(pauses.end(job)).toBe(false);
  expect(pauses.has(job)).toBe(true);
  expect(pauses.end(job)).toBe(true);
  expect(pauses.has(job)).toBe(false);
  expect(pauses.end(other)).toBe(true);
});
