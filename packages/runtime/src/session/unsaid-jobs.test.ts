import type { JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { UnsaidJobs } from "./unsaid-jobs.ts";

test("R-7.1-2: a job is unsaid from before its creation until its acceptance is sent; then whoever waits goes on", async () => {
  const unsaid = new UnsaidJobs();
  const job = await unsaid.making(async (id) => {
    expect(unsaid.has(id)).toBe(true);
    return id;
  });
  const waited = unsaid.said(job);
  expect(unsaid.said(job)).toBe(waited);
  expect(unsaid.has(job)).toBe(true);
  unsaid.say(job);
  await waited;
  expect([unsaid.has(job), unsaid.said(job)]).toEqual([false, undefined]);
});

test("R-7.1-2: nobody waits for the acceptance of a job that could not be created", async () => {
  const unsaid = new UnsaidJobs();
  let job: JobId | undefined;
  let waited: Promise<void> | undefined;
  const making = unsaid.making(async (id) => {
    job = id;
    waited = unsaid.said(id);
    throw new Error("disk full");
  });
  await expect(making).rejects.toThrow("disk full");
  await waited;
  expect(job && unsaid.has(job)).toBe(false);
});
