import { JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { HistoryPage } from "./history-page.ts";
import { JobFeeds } from "./job-feeds.ts";

test("a removed feed is no longer found by its subscription, so a long session does not keep them all", () => {
  const feeds = new JobFeeds();
  const jobId = JobId.parse("job_1");
  const options = { jobId, after: 0, truncated: false, bound: 1, left: () => {} };
  const page = feeds.add(new HistoryPage({ ...options, heard: (event) => event }), "req_1");
  expect(feeds.remove(page)).toBe(false);
  expect(feeds.failSubscription("req_1", new Error("late"))).toBe(false);
});
