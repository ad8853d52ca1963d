import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { ResumeForm } from "../../wire/opening-request.ts";
import type { WireClient } from "../../wire/wire-client.ts";
import type { WireOptions } from "../../wire/wire-line.ts";
import { endingOf } from "../ending.ts";
import type { Scenario } from "../scenario.ts";
import { isTerminal, type Site } from "../site.ts";
import { reached, thought } from "../thought.ts";
import { resumeForms } from "./resume.ts";

interface Attempt {
  readonly form: ResumeForm;
  /** The bearer token. */
  readonly token?: string;
  readonly sessionId?: string;
  readonly resumeToken?: string;
}

/** A welcome that nobody should get is for the scenario to judge. */
const judged: WireOptions = { waive: ["R-6.2-1", "R-6.2-2"] };

/** Tries to resume as anybody could. @returns the reply, without what differs each time */
async function attempt(site: Site, victim: WireClient, wanted: Attempt): Promise<object> {
  const { form, token = site.tokens.first, sessionId = victim.sessionId } = wanted;
  const { resumeToken = victim.welcome.payload.resume_token } = wanted;
  const auth = { scheme: "bearer", token };
  const client = { name: "x", version: "1" };
  const flat = { resume_token: resumeToken, last_event_seq: 0 };
  const position = { session_id: sessionId, ...flat };
  const who = token === site.tokens.first ? "first" : "second";
  const wire =
    form === "after-hello" ? await site.greeted({ who }, judged) : await site.wire(judged);
  const messages = {
    resume: { type: "session.resume", payload: { ...position, auth } },
    nested: { type: "session.hello", payload: { client, auth, resume: position } },
    flat: { type: "session.hello", payload: { client, auth, ...flat } },
    "after-hello": { type: "session.resume", payload: position },
  };
  const id = newMessageId("req_");
  await wire.send({ ...messages[form], id, session_id: undefined }, { faulty: true });
  const answer = await wire.notice(({ type }) => /error|welcome/.test(type));
  assert.equal(answer.type, "session.error", "R-6.3-4: it is refused");
  const { request_id, ...error } = answer.payload as { request_id?: string };
  assert.equal(request_id, id, "R-5.4-1: also the refusal of an opening request names it");
  assert.notEqual(
    answer.session_id,
    victim.sessionId,
    "R-6.3-5: it names no session that is there",
  );
  return { error, closed: await endingOf(wire) };
}

export const resumeRefusal: readonly Scenario[] = [
  ...resumeForms.map(
    (form): Scenario => ({
      name: `as ${form}: strangers, wrong tokens and wrong names are refused alike, and the owner is not affected`,
      verifies: ["R-6.3-4", "R-6.3-5", "R-5.4-1"],
      async play(site) {
        const owner = await site.greeted();
        const other = await site.greeted();
        const [first, second] = [site.gate(), site.gate()];
        const steps = [thought("a"), first.step, thought("b"), second.step, thought("c")];
        await site.play(owner, steps);
        await reached(owner, "a");
        const token = site.tokens.second;
        const attempts: Attempt[] = [
          { form, token },
          { form, resumeToken: `rt_${"0".repeat(64)}` },
          { form, resumeToken: "x" },
          // The flat form names no session.
          ...(form === "flat"
            ? []
            : [other.sessionId, "sess_unknown"].map((sessionId) => ({ form, sessionId }))),
        ];
        const seen: object[] = [];
        for (const wanted of attempts) seen.push(await attempt(site, owner, wanted));
        await first.open();
        await reached(owner, "b");
        const last = owner.lastEventSeq;
        await site.drop(owner);
        for (const wanted of attempts) seen.push(await attempt(site, owner, wanted));
        for (const answer of seen) {
          assert.deepEqual(answer, seen[0], "R-6.3-5: all failures look the same");
        }
        const text = JSON.stringify(seen[0]);
        assert.match(text, /RESUME_WINDOW_EXPIRED/, "R-6.3-5: the code is RESUME_WINDOW_EXPIRED");
        assert.match(text, /"closed":"refused"/, "R-6.3-5: the connection is closed with 1008");
        const again = await site.resumed(owner, { form });
        await second.open();
        const rest = await again.until(isTerminal);
        assert.equal(rest[0]?.event_seq, last + 1, "R-6.3-5: the owner's session is untouched");
        await site.played(other, []);
      },
    }),
  ),
  {
    name: "a session.resume that opens a connection is authenticated by itself, even with a valid resume token",
    verifies: ["R-6.3-2"],
    async play(site) {
      const owner = await site.greeted();
      const gate = site.gate();
      await site.play(owner, [gate.step]);
      const { resume_token } = owner.welcome.payload;
      for (const auth of [undefined, null, { scheme: "bearer", token: "nobody's" }]) {
        const wire = await site.wire();
        const payload = { resume_token, session_id: owner.sessionId, last_event_seq: 0, auth };
        await wire.send({ type: "session.resume", payload }, { faulty: true });
        const answer = await wire.notice(() => true);
        assert.equal(
          answer.type === "session.error" && answer.payload.code,
          "UNAUTHENTICATED",
          `R-6.3-2: ${auth?.token === undefined ? "without auth" : "with a wrong token"}`,
        );
        assert.notEqual(await endingOf(wire), "still open", "R-6.3-2: the connection stays open");
      }
      await gate.open();
      await owner.until(isTerminal);
    },
  },
];
