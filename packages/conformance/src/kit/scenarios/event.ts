import assert from "node:assert/strict";
import type { Step } from "../../test-agents/step.ts";
import type { StreamEnvelope } from "../../wire/stream-envelope.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { subscribe } from "../job-request.ts";
import type { Scenario } from "../scenario.ts";
import { answersOf, stepValue } from "../script-outcome.ts";
import { isTerminal, type Site } from "../site.ts";

const vendor = "x-vendor.acme.confidence";
const deep = "x-vendor.acme.deep.er-1_b";
const isVendors = (envelope: StreamEnvelope): boolean => kindsOf([envelope]).includes(deep);

export const event: readonly Scenario[] = [
  {
    name: "events of every kind have the form of their kind",
    verifies: ["R-8.1-1"],
    async play(site) {
      const wire = await site.greeted();
      const lease_request = { "tool.call": ["conformance.echo"] };
      // The sniffer checks each of them.
      const all = await site.played(
        wire,
        [
          { do: "log", level: "warn", message: "page 77 is blank", attributes: { page: 77 } },
          { do: "thought", text: "once more" },
          { do: "tool", name: "conformance.echo", args: { page: 78 } },
          { do: "status", phase: "merging", message: "joining" },
          { do: "metric", name: "pages", value: 3, unit: "1", dimensions: { engine: "x" } },
          { do: "artifact", uri: "https://files.test/9", content_type: "text/plain", byte_size: 3 },
          { do: "progress", current: 1, total: 3, units: "pages" },
          { do: "emit", kind: vendor, body: { score: 0.5 } },
        ],
        { lease_request },
      );
      assert.deepEqual(kindsOf(all), [
        "log",
        "thought",
        "tool_call",
        "tool_result",
        "status",
        "metric",
        "artifact_ref",
        "progress",
        vendor,
        "job.result",
      ]);
      const [log] = bodiesOf(all, "log");
      assert.deepEqual(log, {
        level: "warn",
        message: "page 77 is blank",
        attributes: { page: 77 },
      });
    },
  },
  {
    name: "an invalid kind, and a body that does not fit its kind, are refused to the agent",
    verifies: ["R-8.1-2"],
    async play(site) {
      const wrong: Step[] = [
        { do: "emit", kind: "foo", body: {} },
        { do: "emit", kind: "x-vendor.acme", body: {} },
        { do: "emit", kind: "x-vendor.Acme.Score", body: {} },
        { do: "emit", kind: "x-acme", body: {} },
        { do: "emit", kind: "", body: {} },
        { do: "emit", kind: vendor, body: [1] },
        { do: "emit", kind: vendor, body: "text" },
        { do: "progress", current: -1 },
        { do: "progress", current: 1, total: -1 },
        { do: "log", level: "shout", message: "a level that is none" },
        { do: "metric", name: "pages", value: "NaN" },
        { do: "metric", name: "pages", value: "Infinity" },
        { do: "metric", name: "pages", value: "abc" },
        { do: "artifact", uri: "https://files.test/9", content_type: "text/plain", byte_size: -1 },
        { do: "artifact", uri: "https://files.test/9", content_type: "text/plain", sha256: "abc" },
      ];
      await checkRefused(site, wrong);
    },
  },
  {
    name: "each tool call has one outcome, a result or an error",
    verifies: ["R-8.2-1"],
    async play(site) {
      const wire = await site.greeted();
      const names = ["conformance.echo", "conformance.void", "conformance.fail"];
      const all = await site.played(
        wire,
        [...names, ...names].map((name, n) => ({ do: "tool", name, args: n, as: `${n}` })),
        { lease_request: { "tool.call": ["conformance.*"] } },
      );
      const pairs = bodiesOf(all, "tool_call", "tool_result");
      assert.equal(pairs.length, 12, "six calls and their outcomes");
      const ids = new Set<unknown>();
      for (let n = 0; n < pairs.length; n += 2) {
        const [call = {}, outcome = {}] = pairs.slice(n, n + 2);
        assert.equal(call.tool, names[(n / 2) % 3]);
        assert.equal(outcome.call_id, call.call_id, "the outcome of this call");
        assert.notEqual("result" in outcome, "error" in outcome, "a result or an error");
        ids.add(call.call_id);
      }
      assert.equal(ids.size, 6, "call_id is unique within the job");
      assert.deepEqual([pairs[1]?.result, pairs[3]?.result], [0, null]);
    },
  },
  {
    name: "what exceeds 64 KiB is truncated on the stream, and complete for the agent, its tools and its children",
    verifies: ["R-8.2-1"],
    async play(site) {
      const wire = await site.greeted();
      const text = "ä".repeat(40_000);
      const cut = { truncated: true, byte_size: 80_002 };
      const child = { steps: [{ do: "thought", text: "whole" } as const], cleanup: [] };
      const all = await site.played(
        wire,
        [
          { do: "tool", name: "conformance.echo", args: text, as: "echo" },
          {
            do: "delegate",
            agent: "conformance.script",
            input: { ...child, steps: [...child.steps, { do: "return", value: text }] },
            outcome: true,
            as: "child",
          },
        ],
        { lease_request: { "tool.call": ["conformance.*"], "agent.delegate": ["conformance.*"] } },
      );
      assert.equal(stepValue(all, "echo"), text, "the agent gets the whole");
      const { result } = stepValue(all, "child") as { result: string };
      assert.equal(result, text, "the child gets the whole");
      assert.deepEqual(bodiesOf(all, "tool_call")[0]?.args, cut);
      assert.deepEqual(bodiesOf(all, "tool_result")[0]?.result, cut);
      const [{ input } = {}] = bodiesOf(all, "delegate");
      assert.equal((input as typeof cut | undefined)?.truncated, true, "the input of a child");
    },
  },
  {
    name: "progress above its total is sent without the total",
    verifies: ["R-8.2-2"],
    async play(site) {
      const wire = await site.greeted();
      const all = await site.played(wire, [
        { do: "progress", current: 3, total: 3 },
        { do: "progress", current: 5, total: 3, units: "pages" },
        { do: "progress", current: 0.5 },
      ]);
      assert.deepEqual(bodiesOf(all, "progress"), [
        { current: 3, total: 3 },
        { current: 5, units: "pages" },
        { current: 0.5 },
      ]);
    },
  },
  {
    name: "an agent cannot emit what only the runtime may emit",
    verifies: ["R-8.2-3"],
    async play(site) {
      const wrong: Step[] = [
        { do: "status", phase: "back_pressure" },
        { do: "status", phase: "credential_rotated" },
        { do: "metric", name: "cost.budget.remaining", value: 5, unit: "EUR" },
        { do: "metric", name: "cost.budget.x", value: 5 },
        { do: "emit", kind: "status", body: { phase: "back_pressure" } },
        { do: "emit", kind: "status", body: { phase: "credential_rotated", id: "a", value: "b" } },
        { do: "emit", kind: "metric", body: { name: "cost.budget.remaining", value: 5 } },
      ];
      await checkRefused(site, wrong, { "cost.budget": ["EUR:1"] });
    },
  },
  {
    name: "a vendor's event is numbered, replayed and forwarded unchanged",
    verifies: ["R-8.2-4"],
    async play(site) {
      const wire = await site.greeted();
      const body = { score: 0.83, none: null, deep: [{ "é€😀": [] }], kind: "own", ts: 7 };
      const gate = site.gate();
      const { id } = await site.play(wire, [
        { do: "emit", kind: deep, body },
        gate.step,
        { do: "emit", kind: vendor, body: {} },
      ]);
      const sent = (await wire.until(isVendors)).at(-1);
      const watcher = await site.greeted();
      await subscribe(watcher, id, { history: true });
      const forwarded = await watcher.next((e) => e.job_seq === sent?.job_seq);
      await site.drop(wire);
      const again = await site.resumed(wire, { lastEventSeq: wire.lastEventSeq - 1 });
      const replayed = await again.next();
      for (const each of [sent, forwarded, replayed]) {
        assert.deepEqual(each ? bodiesOf([each], deep) : [], [body]);
      }
      await gate.open();
      assert.deepEqual(kindsOf(await again.until(isTerminal)), [vendor, "job.result"]);
    },
  },
];

/** Has an agent try what must all be refused to it, and leave no trace on the stream. */
async function checkRefused(
  site: Site,
  wrong: readonly Step[],
  lease_request: Record<string, string[]> = {},
): Promise<void> {
  const steps = wrong.map((step, n): Step => ({ ...step, as: `${n}` }) as Step);
  const all = await site.played(await site.greeted(), steps, { lease_request });
  const answers = answersOf(all);
  for (const [n, step] of wrong.entries()) {
    assert.notEqual(answers[n], "allowed", JSON.stringify(step));
  }
  assert.deepEqual(kindsOf(all), ["job.result"], "nothing of it is on the stream");
}
