import assert from "node:assert/strict";
import { subscribe } from "../job-request.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";
import { isThought, reached, thought } from "../thought.ts";

const SAID = 30;
const jobs = 8;

export const numbering: readonly Scenario[] = [
  {
    name: "one counter numbers two jobs and a subscription, and continues after a resume",
    verifies: ["R-8.3-1"],
    async play(site) {
      const wire = await site.greeted();
      const other = await site.greeted();
      const gate = site.gate();
      const steps = [thought("runs"), gate.step, thought("goes on")];
      const { id: watched } = await site.play(other, steps);
      // Skip what the subscription does not bring.
      await reached(other, "runs");
      const first = [];
      for (let n = 0; n < 2; n++) {
        await site.play(wire, steps);
        first.push(...(await wire.until(isThought("runs"))));
      }
      await subscribe(wire, watched);
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
        Array.from({ length: first.length + 6 }, (_, n) => n + 1),
      );
    },
  },
  {
    name: "jobs that all emit at once are numbered without a gap, and a replay brings the same events under the same numbers",
    verifies: ["R-8.3-2"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const said = Array.from({ length: SAID }, (_, n) => thought(`${n}`));
      for (let n = 0; n < jobs; n++) await site.play(wire, [thought("runs"), gate.step, ...said]);
      // Now all of them wait.
      for (let n = 0; n < jobs; n++) await reached(wire, "runs");
      const start = wire.lastEventSeq;
      // The connection breaks in the middle of it.
      const breaks = wire
        .until((e) => e.event_seq === start + jobs * 5)
        .then(() => site.drop(wire));
      await Promise.all([gate.open(), breaks]);
      // From further back than what arrived: the sniffer compares what comes a second time.
      const again = await site.resumed(wire, { lastEventSeq: start + 3 });
      const last = start + jobs * (SAID + 1);
      const rest = await again.until((e) => e.event_seq === last);
      assert.deepEqual(
        rest.map(({ event_seq }) => event_seq),
        Array.from({ length: last - start - 3 }, (_, n) => start + 4 + n),
      );
      assert.equal(rest.filter(isTerminal).length, jobs);
    },
  },
];
