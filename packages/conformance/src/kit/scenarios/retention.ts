import assert from "node:assert/strict";
import { systemClock } from "@arcp/core";
import { subscribe } from "../job-request.ts";
import { feature, settingWithin, windowWithin } from "../need.ts";
import { refusedWith } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

/** Milliseconds between two looks. */
const PACE = 500;

export const retention: readonly Scenario[] = [
  {
    name: "a finished job that nobody has yet to read is forgotten when its retention ends, with its history",
    verifies: ["R-14-3"],
    needs: [
      windowWithin(30),
      settingWithin("retentionSec", 30),
      feature("list_jobs"),
      feature("subscribe"),
    ],
    async play(site) {
      const { resumeWindowSec, settings } = site.facts;
      const owner = await site.greeted();
      const { id } = await site.play(owner, []);
      await owner.until(isTerminal);
      await owner.request("session.close", {});
      const other = await site.greeted();
      // A listing is not a read: it does not delay the removal.
      const isListed = async (): Promise<boolean> => {
        const query = { filter: { status: ["success"] as ["success"] }, limit: 1000 };
        const { payload } = await other.request("session.list_jobs", query);
        return payload.jobs.some(({ job_id }) => job_id === id);
      };
      const most = 2 * (resumeWindowSec + settings.retentionSec) * 1000 + 10_000;
      const deadline = systemClock.monotonic() + most;
      while ((await isListed()) && systemClock.monotonic() < deadline) await site.pause(PACE);
      assert.equal(await isListed(), false, "R-14-3: it is listed no more");
      await refusedWith(
        subscribe(other, id, { history: true }),
        "JOB_NOT_FOUND",
        "R-14-3: its history is gone",
      );
    },
  },
];
