import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const thoughts = 30;
const jobs = 8;

export const numbering: readonly Scenario[] = [
  {
    name: "one counter numbers two jobs and a subscription, and goes on after a resume",
    verifies: ["R-8.3-1"],
    async play(site) {
      const wire = await site.greeted();
      const other = await site.greeted();
      const gate = site.gate();
      const { id: watched } = await site.play(other, [gate.step, { do: "thought", text: "seen" }]);
      // What the subscription does not bring any more.
      await other.next();
      for (let n = 0; n < 2; n++) {
        await site.play(wire, [gate.step, { do: "thought", text: "own" }]);
      }
      await wire.request("job.subscribe", { job_id: watched }, { jobId: watched });
      const first = await wire.until((e) => e.event_seq === 2);
      await site.drop(wire);
      await gate.open();
      const again = await site.resumed(wire);
      const rest = [];
      for (let ends = 0; ends < 3; ) {
        const each = await again.next();
        rest.push(each);
        if (isTerminal(each)) ends += 1;
      }
      assert.deepEqual(
        [...first, ...rest].map(({ event_seq }) => event_seq),
        [1, 2, 3, 4, 5, 6, 7, 8],
      );
    },
  },
  {
    name: "jobs that all speak at once are numbered without a gap, and a replay brings the same under the same numbers",
    verifies: ["R-8.3-2"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const said = Array.from(
        { length: thoughts },
        (_, n) => ({ do: "thought", text: `${n}` }) as const,
      );
      for (let n = 0; n < jobs; n++) await site.play(wire, [gate.step, ...said]);
      const opened = gate.open();
      // In the middle of it the connection breaks.
      await wire.until((e) => e.event_seq === jobs * 5);
      await site.drop(wire);
      await opened;
      // From further back than what arrived: the sniffer compares what comes a second time.
      const again = await site.resumed(wire, { lastEventSeq: jobs + 3 });
      const last = jobs * (thoughts + 2);
      const rest = await again.until((e) => e.event_seq === last);
      assert.deepEqual(
        rest.map(({ event_seq }) => event_seq),
        Array.from({ length: last - jobs - 3 }, (_, n) => jobs + 4 + n),
      );
      assert.equal(rest.filter(isTerminal).length, jobs);
    },
  },
];
