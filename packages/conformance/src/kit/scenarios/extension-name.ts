import assert from "node:assert/strict";
import { isVendorName } from "@arcp/core";
import { at } from "../../json-object.ts";
import { bodiesOf, kindsOf } from "../event-body.ts";
import { hello } from "../raw-socket.ts";
import { refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { outcomesOf } from "../script-outcome.ts";
import { isTerminal } from "../site.ts";

const right = ["x-vendor.acme.note", "x-vendor.acme-1.deep.er_2"];
const wrong = [
  "note",
  "x-acme",
  "x-vendor.acme",
  "x-vendor.acme.",
  "x-vendor.Acme.note",
  "X-VENDOR.acme.note",
];

export const extensionName: readonly Scenario[] = [
  {
    name: "an agent's custom events are sent under names of the form x-vendor.<vendor>.<name>, and no others",
    verifies: ["R-15-1"],
    async play(site) {
      const wire = await site.greeted({}, { waive: ["R-8.1-2"] });
      const all = await site.played(
        wire,
        [...right, ...wrong].map(
          (kind) => ({ do: "emit", kind, body: { kind }, as: kind }) as const,
        ),
      );
      const sent = kindsOf(all).filter((kind) => kind !== "status" && kind !== "job.result");
      assert.deepEqual(sent, right);
      assert.deepEqual(
        bodiesOf(all, ...right),
        right.map((kind) => ({ kind })),
      );
      const outcomes = outcomesOf(all);
      for (const kind of wrong) {
        assert.ok(outcomes[kind]?.refused !== undefined, `the agent does not learn of ${kind}`);
      }
    },
  },
  {
    name: "a vendor's capability is granted only under such a name",
    verifies: ["R-15-1"],
    async play(site) {
      const wire = await site.greeted();
      const agent = "conformance.script";
      const lease_request = { "x-vendor.acme.thing": ["a/*"] };
      const accepted = await wire.submit({ agent, input: { steps: [] }, lease_request });
      assert.deepEqual(accepted.payload.lease, lease_request);
      await wire.next(isTerminal);
      for (const name of ["x-acme", "x-vendor.acme", "x-vendor.Acme.thing"]) {
        const { code } = await refusedSubmit(wire, {
          agent,
          input: { steps: [] },
          lease_request: { [name]: ["a"] },
        });
        assert.equal(code, "INVALID_REQUEST", name);
      }
    },
  },
  {
    name: "extensions and vendor capabilities that a runtime does not understand are ignored",
    verifies: ["R-15-2"],
    async play(site) {
      const wire = await site.wire();
      const opening = hello(site.tokens.first);
      const { capabilities } = opening.payload as { capabilities: object };
      const extensions = { "x-vendor.acme.side": { any: [1] }, "x-vendor.acme.flag": true };
      const vendors = { ...capabilities, "x-vendor.acme.thing": { on: true } };
      const payload = { ...(opening.payload as object), capabilities: vendors };
      await wire.send({ ...opening, payload, extensions });
      await wire.notice(({ type }) => type === "session.welcome");
      const submit = { agent: "conformance.script", input: { steps: [] } };
      // Not even malformed keys are a reason to refuse.
      for (const side of [extensions, { acme: 1 }, { "X-ACME": {} }]) {
        const id = `req_${Object.keys(side)[0]}`;
        const message = { type: "job.submit", id, payload: submit, extensions: side };
        await wire.send(message, { faulty: true });
        await wire.reply("job.submit", id);
        const all = await wire.until(isTerminal);
        for (const envelope of all) {
          for (const key of Object.keys(Object(at(envelope, "extensions")))) {
            assert.ok(key === "optional" || isVendorName(key), `R-15-1: ${key} was sent`);
          }
        }
      }
    },
  },
];
