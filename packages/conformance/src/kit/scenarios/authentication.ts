import assert from "node:assert/strict";
import { at } from "../../json-object.ts";
import { endingOf } from "../ending.ts";
import { subscribe } from "../job-request.ts";
import { hello } from "../raw-socket.ts";
import { refusal } from "../refusal.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal } from "../site.ts";

const client = { name: "arcp-conformance", version: "1.0.0" };

/** Each of them counts as a failed login from the kit's address, so they are few. */
const unauthenticated: readonly (readonly [what: string, auth: (token: string) => unknown])[] = [
  ["no auth", () => undefined],
  ["an empty token", () => ({ scheme: "bearer", token: "" })],
  ["a token that nobody knows", (token) => ({ scheme: "bearer", token: `${token}-not` })],
  ["a scheme that is not bearer", (token) => ({ scheme: "basic", token })],
];

export const authentication: readonly Scenario[] = [
  ...unauthenticated.map(
    ([what, auth]): Scenario => ({
      name: `a hello with ${what} is UNAUTHENTICATED, reveals no token, and ends the connection`,
      verifies: ["R-6.1-2", "R-6.1-5", "R-12-5"],
      async play(site) {
        const wire = await site.wire();
        const token = site.tokens.first;
        const payload = { client, auth: auth(token), capabilities: { features: [] } };
        await wire.send(hello(token, { id: "req_bad", payload }), { faulty: true });
        // What follows on the same connection, which may be closed by now, is no longer read.
        const good = JSON.stringify(hello(token, { id: "req_good" }));
        await site
          .lineOf(wire)
          .transport.send([good])
          .catch(() => {});
        const error = await wire.notice(() => true);
        assert.equal(error.type, "session.error");
        assert.equal(at(error, "payload.code"), "UNAUTHENTICATED");
        assert.notEqual(await endingOf(wire), "still open", "R-6.1-2: the connection stays open");
        const said = wire.transcript
          .toString()
          .split("\n")
          .filter((line) => line.startsWith("<-"));
        assert.equal(said.length, 1, "R-12-5: the error was not the last word");
        assert.ok(
          !JSON.stringify(error.payload).includes(`${token}-not`),
          "R-6.1-5: the error shows the token",
        );
      },
    }),
  ),
  {
    name: "names that a client claims do not make it somebody else",
    verifies: ["R-6.1-3"],
    async play(site) {
      const claims = { ...client, principal: "admin", fingerprint: "admin" };
      const greet = async (token: string, claimed: object) => {
        const wire = await site.wire();
        const auth = { scheme: "bearer", token };
        const capabilities = { features: ["subscribe", "list_jobs"] };
        await wire.send(hello(token, { payload: { client: claimed, auth, capabilities } }));
        await wire.notice(({ type }) => type === "session.welcome");
        return wire;
      };
      const owner = await greet(site.tokens.first, claims);
      const gate = site.gate();
      const { id } = await site.play(owner, [gate.step]);
      const stranger = await greet(site.tokens.second, claims);
      const { code } = await refusal(
        subscribe(stranger, id),
        "the subscription of another principal",
      );
      assert.equal(code, "JOB_NOT_FOUND");
      const same = await greet(site.tokens.first, { ...client, principal: "somebody else" });
      await subscribe(same, id);
      await gate.open();
      await same.next(isTerminal);
    },
  },
  {
    name: "no message but the welcome shows a token, not even a refused resume",
    verifies: ["R-6.1-5"],
    async play(site) {
      const wire = await site.greeted();
      const { resume_token } = wire.welcome.payload;
      const other = await site.greeted({ who: "second" });
      await site.drop(other);
      const secret = other.welcome.payload.resume_token;
      // Another principal's token, which is as good as a wrong one (R-6.3-2).
      const stolen = site.resumed(other, { token: site.tokens.first, resumeToken: secret });
      const refused = await refusal(stolen, "the resume of another principal's session");
      assert.ok(!JSON.stringify(refused).includes(secret), "the refusal shows the resume token");
      await site.played(wire, [{ do: "crash", message: "an error" }]);
      await wire.request("session.list_jobs", {});
      await wire.send("{", { faulty: true });
      await wire.notice(({ type }) => type === "session.error");
      const said = wire.transcript
        .toString()
        .split("\n")
        .filter((line) => line.startsWith("<-"));
      for (const line of said.filter((text) => !text.includes("session.welcome"))) {
        assert.ok(!line.includes(resume_token), `this shows the resume token: ${line}`);
        assert.ok(!line.includes(`"${site.tokens.first}"`), `this shows the bearer token: ${line}`);
      }
    },
  },
];
