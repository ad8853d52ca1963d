import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { at, parseJsonObject } from "../../json-object.ts";
import { bodiesOf } from "../event-body.ts";
import { feature } from "../need.ts";
import { hello } from "../raw-socket.ts";
import type { Scenario } from "../scenario.ts";
import { outcomesOf } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";

/** Keys that are dangerous in some languages, and ordinary in JSON. */
const ODD_KEYS =
  '{"__proto__":{"parent_job_id":"job_none"},"constructor":{"prototype":{"parent_job_id":"job_none"}},"toString":1,"":[{"__proto__":2}]}';
/** More digits than a binary floating-point number holds. */
const AMOUNT = "123456789012345678.123456789012345678";
const HOUR = 3_600_000;

export const jsonProfile: readonly Scenario[] = [
  {
    name: "null in an optional field is absence",
    verifies: ["R-5.2-1"],
    async play(site) {
      const wire = await site.greeted();
      const payload = {
        agent: "conformance.script",
        input: { steps: [] },
        lease_request: null,
        lease_constraints: { expires_at: null },
        idempotency_key: null,
        max_runtime_sec: null,
        parent_job_id: null,
      };
      const fields = { job_id: null, trace_id: null, event_seq: null, extensions: null };
      const message = { type: "job.submit", id: "req_1", session_id: wire.sessionId, payload };
      const frame = JSON.stringify({ arcp: "1.1", ...message, ...fields });
      await wire.send(frame, { faulty: true });
      const { payload: accepted } = await wire.reply("job.submit", "req_1");
      assert.deepEqual(accepted.lease, {});
      await wire.next(isTerminal);
      const listing = { filter: { status: null, agent: null }, limit: null, cursor: null };
      await wire.send(
        { type: "session.list_jobs", id: "req_2", payload: listing },
        { faulty: true },
      );
      await wire.reply("session.list_jobs", "req_2");
    },
  },
  {
    name: "a time with any offset is understood as the moment that it names",
    verifies: ["R-5.2-2"],
    needs: [feature("list_jobs")],
    async play(site) {
      const wire = await site.greeted();
      const { id, accepted } = await site.play(wire, []);
      const made = Date.parse(accepted.payload.accepted_at ?? "");
      const isListed = async (filter: object): Promise<boolean> => {
        const request = newMessageId("req_");
        const message = {
          type: "session.list_jobs",
          id: request,
          payload: { filter, limit: 1000 },
        };
        // A good client would write it with a Z.
        await wire.send(message, { faulty: true });
        const { payload } = await wire.reply("session.list_jobs", request);
        return payload.jobs.some(({ job_id }) => job_id === id);
      };
      for (const hours of [2, -2]) {
        // A runtime that overlooks the offset is off by two hours.
        const before = written(made - HOUR, hours);
        const after = written(made + HOUR, hours);
        const inside = { created_after: before, created_before: after };
        assert.equal(await isListed(inside), true, `${before} to ${after} has to list the job`);
        assert.equal(await isListed({ created_after: after }), false, `it is not after ${after}`);
        assert.equal(await isListed({ created_before: before }), false, `nor before ${before}`);
      }
    },
  },
  {
    name: "a number that is not an integer within 2^53 - 1 is refused where an integer is required",
    verifies: ["R-5.2-3"],
    async play(site) {
      const wire = await site.greeted();
      const job = { job_id: "job_1" };
      const requests = [1.5, -1, 2 ** 53, "1"].flatMap((number) => [
        { type: "session.ping", payload: { nonce: "n" }, event_seq: number },
        { type: "job.subscribe", ...job, payload: { ...job, history: true, from_job_seq: number } },
        { type: "session.list_jobs", payload: { limit: number === 2 ** 53 ? 0 : number } },
        { type: "job.submit", payload: { agent: "conformance.script", max_runtime_sec: number } },
      ]);
      for (const request of requests) {
        const id = newMessageId("req_");
        await wire.send({ ...request, id }, { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(at(answer, "payload.code"), "INVALID_REQUEST", JSON.stringify(request));
      }
      await site.settled(wire);
    },
  },
  {
    name: "ten costs of 0.1 use up 1.00 to the last digit",
    verifies: ["R-5.2-4"],
    needs: [feature("cost.budget")],
    async play(site) {
      const wire = await site.greeted();
      const cost = { do: "metric", name: "cost.search", value: 0.1, unit: "USD" } as const;
      const all = await site.played(
        wire,
        [
          { do: "repeat", times: 10, steps: [cost] },
          { do: "budget", as: "left" },
        ],
        { lease_request: { "cost.budget": ["USD:1.00"] } },
      );
      const left = at(outcomesOf(all).left?.value, "remaining.USD");
      assert.match(`${left}`, /^0(\.0*)?$/);
      const told = bodiesOf(all, "metric").filter(({ name }) => name === "cost.budget.remaining");
      assert.equal(told.at(-1)?.value, 0);
    },
  },
  {
    name: "an amount is written exactly, and a cost is subtracted by its shortest decimal text",
    verifies: ["R-5.2-4", "R-5.2-5"],
    needs: [feature("cost.budget")],
    async play(site) {
      const { transport } = await site.line();
      const opening = hello(site.tokens.first);
      const payload = {
        ...(opening.payload as object),
        capabilities: { features: ["cost.budget"] },
      };
      await transport.send([JSON.stringify({ ...opening, payload })]);
      const steps = [{ do: "metric", name: "cost.x", value: 0.0234, unit: "USD" }];
      const lease_request = { "cost.budget": [`USD:${AMOUNT}`] };
      const submit = { agent: "conformance.script", input: { steps }, lease_request };
      const envelope = { arcp: "1.1", id: "req_1", type: "job.submit", payload: submit };
      const said: string[] = [];
      for await (const frame of transport.frames) {
        said.push(frame);
        const type = parseJsonObject(frame)?.type;
        if (type === "session.welcome") await transport.send([JSON.stringify(envelope)]);
        if (type === "job.result" || type === "job.error" || type === "session.error") break;
      }
      const text = said.join("\n");
      assert.ok(
        new RegExp(`"budget":\\s*{\\s*"USD":\\s*${AMOUNT}\\s*}`).test(text),
        `R-5.2-5: the acceptance does not give ${AMOUNT}: ${said[1]}`,
      );
      assert.ok(
        /"value":\s*123456789012345678\.100056789012345678\b/.test(text),
        `R-5.2-4: what remains is not exact: ${said.find((frame) => frame.includes("remaining"))}`,
      );
    },
  },
  {
    name: "keys such as __proto__ are data like any other",
    verifies: ["R-5.2-6"],
    async play(site) {
      const wire = await site.greeted();
      const envelope = { arcp: "1.1", id: "req_1", type: "job.submit", session_id: wire.sessionId };
      const input = `{"steps":[{"do":"emit","kind":"x-vendor.conformance.odd","body":${ODD_KEYS}},{"do":"return","value":${ODD_KEYS}}]}`;
      const frame = JSON.stringify(envelope).replace(
        /}$/,
        `,"__proto__":{"type":"session.close"},"payload":{"agent":"conformance.script","__proto__":{"agent":"nobody"},"input":${input}}}`,
      );
      await wire.send(frame, { faulty: true });
      await wire.reply("job.submit", "req_1");
      const all = await wire.until(isTerminal);
      const [body] = bodiesOf(all, "x-vendor.conformance.odd");
      // In any order.
      const odd: unknown = JSON.parse(ODD_KEYS);
      assert.deepEqual(at(all.at(-1), "payload.result"), odd);
      assert.deepEqual(body, odd);
      // If a key had reached what all objects share, this submit would name an invalid parent, and be refused.
      await site.played(wire, []);
    },
  },
  {
    name: "a document that is nested too deeply is refused, and one of 125 levels is not",
    verifies: ["R-5.2-7"],
    async play(site) {
      // Whether the id of such a document can be read is left open.
      const wire = await site.greeted({}, { waive: ["R-12-5"] });
      const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
      const framed = (id: string, type: string, payload: string) =>
        `{"arcp":"1.1","id":"${id}","type":"${type}","session_id":"${wire.sessionId}","payload":${payload}}`;
      for (const frame of [
        nested(200_000),
        '{"a":'.repeat(100_000),
        framed("req_deep", "session.list_jobs", `{"zzz":${nested(100_000)}}`),
        framed("req_130", "session.list_jobs", `{"zzz":${nested(130)}}`),
      ]) {
        await wire.send(frame, { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(at(answer, "payload.code"), "INVALID_REQUEST");
      }
      const input = `{"steps":[{"do":"return","value":${nested(120)}}]}`;
      const submit = `{"agent":"conformance.script","input":${input}}`;
      await wire.send(framed("req_fine", "job.submit", submit));
      await wire.reply("job.submit", "req_fine");
      const end = await wire.next(isTerminal);
      assert.equal(JSON.stringify(at(end, "payload.result")), nested(120));
    },
  },
];

/** A moment as RFC 3339 text with an offset. */
function written(ms: number, hours: number): string {
  const local = new Date(ms + hours * HOUR).toISOString().slice(0, -1);
  return `${local}${hours < 0 ? "-" : "+"}0${Math.abs(hours)}:00`;
}
