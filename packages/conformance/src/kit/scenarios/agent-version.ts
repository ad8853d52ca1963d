import assert from "node:assert/strict";
import { endOf } from "../job-end.ts";
import { subscribe } from "../job-request.ts";
import { feature } from "../need.ts";
import { refusal, refusedSubmit } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const versions = feature("agent_versions");

export const agentVersion: readonly Scenario[] = [
  {
    name: "a reference that does not match the grammar completely is refused",
    verifies: ["R-7.5-1"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      for (const agent of [
        "",
        "Foo",
        "-a",
        ".a",
        "a b",
        "a@",
        "@1",
        "a@1@2",
        "a@1 ",
        "a\n",
        "conformance.script\n",
        "conformance.script@",
        "ä",
        "a".repeat(129),
        `a@${"1".repeat(65)}`,
      ]) {
        assert.equal((await refusedSubmit(wire, { agent })).code, "INVALID_REQUEST", agent);
      }
    },
  },
  {
    name: "references of the greatest allowed length, and with every allowed character, are understood",
    verifies: ["R-7.5-1"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      for (const agent of ["a".repeat(128), "0a-b_c.d", `a@${"1".repeat(64)}`, "a@V1.0+b_c-d"]) {
        assert.equal((await refusedSubmit(wire, { agent })).code, "AGENT_NOT_AVAILABLE", agent);
      }
    },
  },
  {
    name: "an unknown agent is not available, pinned or not",
    verifies: ["R-7.5-2"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      for (const agent of ["conformance.nobody", "conformance.nobody@1.0.0"]) {
        assert.equal((await refusal(wire.submit({ agent }), agent)).code, "AGENT_NOT_AVAILABLE");
      }
    },
  },
  {
    name: "a version is compared as text, and an agent without versions has none",
    verifies: ["R-7.5-3"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      for (const agent of [
        "conformance.versioned@9.9.9",
        "conformance.versioned@1.1",
        "conformance.versioned@01.1.0",
        "conformance.versioned@1.1.0.0",
        "conformance.versioned@v1.1.0",
        "conformance.script@1",
      ]) {
        const { code } = await refusal(wire.submit({ agent }), agent);
        assert.equal(code, "AGENT_VERSION_NOT_AVAILABLE", agent);
      }
    },
  },
  {
    name: "a bare name means the advertised default, or else what was registered first",
    verifies: ["R-7.5-4"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      const { agents = [] } = wire.welcome.payload.capabilities;
      const offered = agents.find(({ name }) => name === "conformance.versioned");
      const { payload } = await wire.submit({ agent: "conformance.versioned" });
      assert.equal(payload.agent, `conformance.versioned@${offered?.default ?? "1.1.0"}`);
      const end = endOf(await wire.until(isTerminal));
      assert.equal(
        `conformance.versioned@${end.result}`,
        payload.agent,
        "another version ran than was accepted",
      );
    },
  },
  {
    name: "the resolved reference is in the acceptance, the listing and the subscription",
    verifies: ["R-7.5-5"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      const jobs = new Map<string, string>();
      const pinned = await wire.submit({ agent: "conformance.versioned@1.1.0" });
      jobs.set(pinned.payload.job_id, "conformance.versioned@1.1.0");
      assert.equal(pinned.payload.agent, "conformance.versioned@1.1.0");
      const bare = await wire.submit({ agent: "conformance.versioned" });
      assert.match(`${bare.payload.agent}`, /^conformance\.versioned@(1\.1\.0|2\.0\.0)$/);
      jobs.set(bare.payload.job_id, `${bare.payload.agent}`);
      const { id, accepted } = await site.play(wire, [gate.step]);
      assert.equal(accepted.payload.agent, "conformance.script");
      jobs.set(id, "conformance.script");
      const { payload } = await wire.request("session.list_jobs", { limit: 1000 });
      const watcher = await site.greeted();
      for (const [job_id, agent] of jobs) {
        const entry = payload.jobs.find((job) => job.job_id === job_id);
        assert.equal(entry?.agent, agent, "in the listing");
        const told = await subscribe(watcher, job_id);
        assert.equal(told.payload.agent, agent, "in the subscription");
      }
    },
  },
  {
    name: "of two requested versions, the registered one runs, whatever happens to the other",
    verifies: ["R-13-8"],
    needs: [versions],
    async play(site) {
      const wire = await site.greeted();
      const [{ payload }, refused] = await Promise.all([
        wire.submit({ agent: "conformance.versioned@1.1.0" }),
        refusal(wire.submit({ agent: "conformance.versioned@4.0.0" }), "4.0.0"),
      ]);
      assert.equal(refused.code, "AGENT_VERSION_NOT_AVAILABLE");
      const all = await wire.until(isTerminal);
      assert.deepEqual(new Set(all.map(({ job_id }) => job_id)), new Set([payload.job_id]));
      assert.equal(endOf(all).result, "1.1.0");
    },
  },
];
