import assert from "node:assert/strict";
import type { ResumeForm } from "../../wire/opening-request.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const forms: readonly ResumeForm[] = ["resume", "nested", "flat", "after-hello"];

export const resume: readonly Scenario[] = [
  ...forms.map(
    (form): Scenario => ({
      name: `as ${form}: what was missed comes after the welcome, then live events and the end`,
      verifies: ["R-6.3-1", "R-6.3-6", "R-6.3-8", "R-6.3-12", "R-6.3-13"],
      async play(site) {
        const wire = await site.greeted();
        const [away, back] = [site.gate(), site.gate()];
        const { id } = await site.play(wire, [
          { do: "thought", text: "seen" },
          away.step,
          { do: "thought", text: "missed" },
          back.step,
          { do: "thought", text: "live" },
          { do: "return", value: 42 },
        ]);
        await wire.next((e) => e.event_seq === 2);
        await site.drop(wire);
        await away.open();
        const again = await site.resumed(wire, { form });
        assert.equal(again.sessionId, wire.sessionId, "R-6.3-6: the welcome names the old session");
        const missed = await again.next();
        assert.equal(missed.event_seq, 3, "R-6.3-8: the replay begins behind what the client has");
        await back.open();
        const rest = await again.until(isTerminal);
        assert.deepEqual(
          rest.map(({ event_seq, job_id }) => [event_seq, job_id]),
          [
            [4, id],
            [5, id],
          ],
        );
      },
    }),
  ),
];
