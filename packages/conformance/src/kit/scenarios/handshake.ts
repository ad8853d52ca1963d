import assert from "node:assert/strict";
import { isVendorName, features as known } from "@arcp/core";
import { at, isJsonObject } from "../../json-object.ts";
import { agent } from "../need.ts";
import { hello } from "../raw-socket.ts";
import type { Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

const client = { name: "arcp-conformance", version: "1.0.0" };
const WELCOMES = 24;

export const handshake: readonly Scenario[] = [
  {
    name: "the first reply to a hello is a welcome that names the runtime and its resume window",
    verifies: ["R-6.2-1"],
    async play(site) {
      const wire = await site.wire();
      await wire.send(opening(site, { encodings: ["json"], features: ["heartbeat"] }));
      const welcome = await wire.notice(() => true);
      assert.equal(welcome.type, "session.welcome");
      assert.equal(typeof at(welcome, "payload.runtime.name"), "string");
      assert.ok(Number(at(welcome, "payload.resume_window_sec")) >= 1);
      const encodings = at(welcome, "payload.capabilities.encodings");
      if (encodings !== undefined) assert.deepEqual(encodings, ["json"]);
    },
  },
  {
    name: "the welcome lists the features that both sides have, and none that only one has or nobody knows",
    verifies: ["R-6.2-2", "R-6.2-3"],
    async play(site) {
      const asked: readonly (readonly string[] | undefined)[] = [
        undefined,
        [],
        ["list_jobs"],
        ["subscribe", "warp", "progress", "x-vendor.other.thing", "subscribe"],
        ["warp"],
        [...known],
      ];
      for (const features of asked) {
        const wire = await site.wire();
        await wire.send(opening(site, features === undefined ? undefined : { features }));
        const welcome = await wire.notice(({ type }) => type === "session.welcome");
        const given = at(welcome, "payload.capabilities.features") ?? [];
        const both = new Set((features ?? []).filter((name) => site.facts.features.has(name)));
        assert.deepEqual([...(given as string[])].sort(), [...both].sort(), `for ${features}`);
      }
    },
  },
  {
    name: "a client whose encodings lack json is refused, and one that has others in addition is not",
    verifies: ["R-6.2-6"],
    async play(site) {
      for (const encodings of [["cbor"], []]) {
        const wire = await site.wire();
        await wire.send(opening(site, { encodings }), { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.error", `${encodings} was welcomed`);
        assert.equal(at(answer, "payload.code"), "INVALID_REQUEST");
      }
      for (const encodings of [["cbor", "json"], undefined]) {
        const wire = await site.wire();
        await wire.send(opening(site, { ...(encodings && { encodings }), features: [] }));
        const answer = await wire.notice(() => true);
        assert.equal(answer.type, "session.welcome", `${encodings} was refused`);
      }
    },
  },
  {
    name: "the inventory is a sorted list of objects with versions, and with a default that is one of them",
    verifies: ["R-6.2-7"],
    needs: [agent("conformance.versioned")],
    async play(site) {
      const { welcome } = await site.greeted();
      const agents = at(welcome, "payload.capabilities.agents");
      assert.ok(Array.isArray(agents) && agents.every(isJsonObject), "agents is a list of objects");
      const named = (wanted: string) => agents.find(({ name }) => name === wanted);
      assert.deepEqual(named("conformance.script")?.versions, [], "one without versions has []");
      const versions = named("conformance.versioned")?.versions;
      assert.deepEqual(new Set(versions as string[]), new Set(["1.1.0", "2.0.0"]));
      const names = agents.map(({ name }) => `${name}`);
      assert.deepEqual(names, [...names].sort());
    },
  },
  {
    name: "a second hello is refused, and the session continues",
    verifies: ["R-6.2-9"],
    async play(site) {
      const wire = await site.greeted();
      const gate = site.gate();
      await site.play(wire, [gate.step, { do: "return", value: "still here" }]);
      for (const token of [site.tokens.first, site.tokens.second]) {
        const id = `req_again_${token === site.tokens.first}`;
        await wire.send({ ...hello(token), id, session_id: wire.sessionId }, { faulty: true });
        const error = await wire.notice(() => true);
        assert.equal(error.type, "session.error");
        assert.equal(at(error, "payload.code"), "INVALID_REQUEST");
        assert.equal(at(error, "payload.request_id"), id);
      }
      await site.settled(wire);
      await gate.open();
      const end = await wire.next((e) => e.type === "job.result");
      assert.equal(at(end, "payload.result"), "still here");
    },
  },
  {
    name: "every welcome, first or resumed, has a new resume token that cannot be guessed from others",
    verifies: ["R-6.2-10"],
    async play(site) {
      const tokens: string[] = [];
      let wire = await site.greeted();
      for (let n = 0; n < WELCOMES; n++) {
        tokens.push(wire.welcome.payload.resume_token);
        wire = n % 2 === 0 ? await site.resumed(wire) : await site.greeted();
      }
      assert.equal(new Set(tokens).size, WELCOMES, "a token was given twice");
      for (const token of tokens) assert.ok(token.length >= 22, `${token} is too short`);
      // Two tokens of 128 random bits differ in 30 of 32 hexadecimal digits on average, and never in as few as 16.
      for (const [index, token] of tokens.entries()) {
        const before = tokens[index - 1];
        if (before === undefined) continue;
        const differing = [...token].filter((letter, at) => letter !== before[at]).length;
        assert.ok(differing >= 14, `${before} and ${token} are alike`);
      }
    },
  },
  {
    name: "an error before the welcome carries the session_id that the session would have had",
    verifies: ["R-6.2-11", "R-6.2-1"],
    async play(site) {
      const frames = [
        "{",
        opening(site, { encodings: ["cbor"] }),
        { ...opening(site, {}), arcp: "2.0" },
        { ...opening(site, {}), type: "session.open" },
      ];
      for (const frame of frames) {
        const wire = await site.wire();
        await wire.send(frame, { faulty: true });
        const error = await wire.notice(() => true);
        assert.equal(error.type, "session.error", "R-6.2-1: the first answer");
        const id = error.session_id;
        assert.ok(typeof id === "string" && id !== "", `R-6.2-11: ${JSON.stringify(error)}`);
      }
    },
  },
  {
    name: "every name in the welcome is one of the protocol or of the form x-vendor.<vendor>.<name>",
    verifies: ["R-15-1"],
    async play(site) {
      const { welcome } = await site.greeted({ features: [...site.facts.features] });
      const capabilities = welcome.payload.capabilities as Record<string, unknown>;
      const ours = ["encodings", "features", "agents"];
      const keys = Object.keys(capabilities).filter((key) => !ours.includes(key));
      const names = (capabilities.features as string[]).filter(
        (name) => !known.some((feature) => feature === name),
      );
      for (const name of [...keys, ...names]) assert.ok(isVendorName(name), `${name} is not`);
    },
  },
];

function opening(site: Site, capabilities: object | undefined) {
  const auth = { scheme: "bearer", token: site.tokens.first };
  return hello(site.tokens.first, { payload: { client, auth, capabilities } });
}
