import assert from "node:assert/strict";
import { errorCodes, isErrorCode, newMessageId } from "@arcp/core";
import { at } from "../../json-object.ts";
import type { Step } from "../../test-agents/step.ts";
import { endingOf } from "../ending.ts";
import { bodiesOf } from "../event-body.ts";
import { endsJob } from "../job-end.ts";
import { cancel } from "../job-request.ts";
import { feature } from "../need.ts";
import { hello } from "../raw-socket.ts";
import { refusal, refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { outcomesOf } from "../script-outcome.ts";

const script = "conformance.script";
const none = { job_id: "job_unknown" };

/** How jobs fail: with which code, by which steps, under which terms. */
const endings: readonly (readonly [code: string, steps: readonly Step[], rest?: object])[] = [
  ["INTERNAL_ERROR", [{ do: "crash", message: "boom" }]],
  ["TIMEOUT", [{ do: "pause", ms: 60_000 }], { max_runtime_sec: 1 }],
  ["PERMISSION_DENIED", [{ do: "tool", name: "conformance.echo" }]],
  ["AGENT_NOT_AVAILABLE", [{ do: "delegate", agent: "nobody" }], delegating("*")],
  [
    "LEASE_SUBSET_VIOLATION",
    [{ do: "delegate", agent: script, input: { steps: [] }, lease: { "fs.read": ["/**"] } }],
    delegating("*"),
  ],
];

/** The errors that an agent may raise itself: each is passed on, except for what the protocol fixes. */
const raised: readonly (readonly [code: string, retryable: boolean])[] = [
  ["INTERNAL_ERROR", false],
  ["BUDGET_EXHAUSTED", true],
  ["LEASE_EXPIRED", true],
  ["TIMEOUT", false],
  ["JOB_NOT_FOUND", true],
];

export const error: readonly Scenario[] = [
  {
    name: "requests are refused with one of the fifteen codes, each as retryable as the table says",
    verifies: ["R-12-1", "R-12-2"],
    async play(site) {
      const wire = await site.greeted();
      const input = { steps: [] };
      const key = { agent: script, idempotency_key: newMessageId("key_") };
      await wire.submit({ ...key, input });
      const refusals = [
        ["AGENT_NOT_AVAILABLE", await refusedSubmit(wire, { agent: "nobody" })],
        [
          "AGENT_VERSION_NOT_AVAILABLE",
          await refusedSubmit(wire, { agent: "conformance.versioned@9.9.9" }),
        ],
        ["DUPLICATE_KEY", await refusedSubmit(wire, { ...key, input: { steps: [], cleanup: [] } })],
        ["INVALID_REQUEST", await refusedSubmit(wire, { agent: script, lease_request: [] })],
        ["JOB_NOT_FOUND", await refusal(cancel(wire, none.job_id), "a cancel")],
      ] as const;
      for (const [expected, { code, retryable }] of refusals) {
        assert.equal(code, expected, "R-12-1: the code");
        assert.equal(retryable, false, `R-12-2: whether ${code} is retryable`);
      }
    },
  },
  ...endings.map(
    ([code, steps, rest]): Scenario => ({
      name: `a job that ends with ${code} says whether that is retryable, as the table does`,
      verifies: ["R-12-1", "R-12-2"],
      async play(site) {
        const wire = await site.greeted();
        const end = (await site.played(wire, steps, rest)).at(-1);
        assert.equal(at(end, "payload.code"), code, "R-12-1: the code");
        const expected = isErrorCode(code) && errorCodes[code].retryable;
        assert.equal(at(end, "payload.retryable"), expected, "R-12-2: retryable");
      },
    }),
  ),
  {
    name: "the agent decides whether its error is retryable, except for codes for which that is fixed",
    verifies: ["R-12-2"],
    async play(site) {
      const wire = await site.greeted();
      for (const [code, retryable] of raised) {
        const step = { do: "raise", code, message: "as I say", retryable } as const;
        const end = (await site.played(wire, [step])).at(-1);
        const fixed = isErrorCode(code) && errorCodes[code].fixed;
        assert.equal(at(end, "payload.retryable"), fixed ? !retryable : retryable, code);
      }
    },
  },
  {
    name: "a code of an agent's own never reaches the wire",
    verifies: ["R-12-1"],
    async play(site) {
      const wire = await site.greeted();
      const own = {
        do: "raise",
        code: "ACME_FULL",
        message: "no room",
        details: { at: 1 },
      } as const;
      const end = (await site.played(wire, [own])).at(-1);
      const code = at(end, "payload.code");
      assert.ok(isErrorCode(`${code}`), `${code} was sent`);
    },
  },
  {
    name: "a refused request is reported by session.error, a failed job by job.error, a refused operation by tool_result",
    verifies: ["R-12-4"],
    needs: [feature("subscribe")],
    async play(site) {
      const wire = await site.greeted();
      await refusal(wire.submit({ agent: "nobody" }), "a submit to nobody");
      const operation = { do: "tool", name: "conformance.echo", as: "refused" } as const;
      const all = await site.played(wire, [operation, { do: "thought", text: "going on" }]);
      const [result] = bodiesOf(all, "tool_result");
      assert.equal(at(result, "error.code"), "PERMISSION_DENIED", "the refused operation");
      assert.equal(outcomesOf(all).refused?.refused?.code, "PERMISSION_DENIED");
      const { id } = await site.play(wire, [{ do: "crash", message: "boom" }]);
      const rest = await wire.until(endsJob(id));
      assert.equal(rest.at(-1)?.type, "job.error", "the failed job");
      await site.settled(wire);
      const said = wire.transcript.toString();
      assert.equal(said.split('"type":"session.error"').length - 1, 1, "a session.error too many");
      assert.equal(said.split('"type":"job.error"').length - 1, 1, "a job.error too many");
    },
  },
  {
    name: "the refusal of a session is the last envelope, and then the connection is closed",
    verifies: ["R-12-5"],
    async play(site) {
      const wrong = [
        "{",
        hello(site.tokens.first, { arcp: "2.0" }),
        hello(site.tokens.first, { type: "job.submit", payload: { agent: script } }),
        hello(site.tokens.first, {
          type: "session.resume",
          payload: {
            auth: { scheme: "bearer", token: site.tokens.first },
            resume_token: "rt_of_nobody_at_all_0000",
            last_event_seq: 0,
          },
        }),
      ];
      for (const frame of wrong) {
        const wire = await site.wire();
        await wire.send(frame, { faulty: true });
        await wire.notice(({ type }) => type === "session.error");
        assert.notEqual(await endingOf(wire), "still open", "the connection stays open");
        const said = wire.transcript
          .toString()
          .split("\n")
          .filter((line) => line.startsWith("<-"));
        assert.equal(said.length, 1, "something was said besides");
      }
    },
  },
];

function delegating(agents: string): object {
  return { lease_request: { "agent.delegate": [agents] } };
}
