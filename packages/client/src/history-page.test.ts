import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { HistoryPage } from "./history-page.ts";
import type { JobEvent } from "./job-event.ts";

const item = (n: number): JobEvent => ({
  kind: "thought",
  body: { text: `${n}` },
  seq: n,
  jobSeq: n,
  ts: undefined,
});

test("a page that never runs empty keeps nothing of what was read", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const page = new HistoryPage({
    jobId: JobId.parse("job_1"),
    after: 0,
    truncated: false,
    bound: 10_000,
    heard: (event) => event,
    left: () => {},
  });
  const read: WeakRef<JobEvent>[] = [];
  page.append(item(1), 10);
  for (let n = 1; n <= 1_000; n++) {
    page.append(item(n + 1), 10);
    const event = await page.next();
    expect(event?.jobSeq).toBe(n);
    if (event !== undefined) read.push(new WeakRef(event));
  }
  // The target of a WeakRef stays until the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(read.filter((event) => event.deref() !== undefined).length).toBeLessThan(10);
  expect(await page.next()).toEqual(item(1_001));
});
