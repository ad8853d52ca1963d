import type { SessionId } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { heldStore, settled } from "../../test/held-store.ts";
import { Viewer } from "../../test/viewer.ts";
import { tokenTable } from "../auth.ts";
import { createRuntime } from "../runtime.ts";
import type { Session } from "./session.ts";
import { SessionQuota } from "./session-quota.ts";

const refused = (reason: string) => ({
  type: "session.error",
  payload: { code: "INTERNAL_ERROR", retryable: true, details: { reason } },
});

/** A runtime whose store opens no session before it is told to, and whose claims can be held. */
function slowly() {
  const insertion = Promise.withResolvers<void>();
  const held = heldStore();
  const insert: typeof held.sessions.insert = async (row) => {
    await insertion.promise;
    await held.sessions.insert(row);
  };
  const runtime = createRuntime({
    agents: [],
    auth: tokenTable({ secret: "alice", other: "bob" }),
    limits: { connectedSessionsPerPrincipal: 2 },
    logger: pino({ level: "silent" }),
    store: { ...held, sessions: { ...held.sessions, insert } },
  });
  return { runtime, insertion, claims: held.held.claims };
}

test("R-14-1: hellos that wait for the store count each other, and one that the store fails gives its place back", async () => {
  const { runtime, insertion } = slowly();
  const viewers = [1, 2, 3].map(() => new Viewer(runtime));
  const answers = viewers.map((viewer) => viewer.hello());
  expect(await answers[2]).toMatchObject(refused("connected_sessions_per_principal"));
  // Another principal has its own places.
  const stranger = new Viewer(runtime).hello([], "other");
  insertion.reject(new Error("the disk is full"));
  for (const answer of [answers[0], answers[1], stranger]) {
    expect((await answer)?.payload.details).toBeUndefined();
  }
  for (let i = 0; i < 2; i++) {
    expect((await new Viewer(runtime).hello()).payload.details).toBeUndefined();
  }
  await runtime.close();
});

test("R-14-1: a resume that waits for the store has its place, which two resumes of one session share", async () => {
  const { runtime, insertion, claims } = slowly();
  insertion.resolve();
  const first = new Viewer(runtime);
  const welcome = await first.hello();
  first.sever();
  await settled();
  claims.hold();
  const resumes = [1, 2].map(() => new Viewer(runtime).resume(welcome, 0));
  await settled();
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  expect(await new Viewer(runtime).hello()).toMatchObject(
    refused("connected_sessions_per_principal"),
  );
  await claims.open();
  await Promise.race(resumes);
  await settled();
  // One of them has thrown the other out, or voided its token: there are two sessions now, and two places taken.
  expect(await new Viewer(runtime).hello()).toMatchObject(
    refused("connected_sessions_per_principal"),
  );
  await runtime.close();
});

test("R-14-1: a fresh session that is left for another gives up its place before the other arrives", async () => {
  const { runtime, insertion } = slowly();
  insertion.resolve();
  const first = new Viewer(runtime);
  const welcome = await first.hello();
  first.sever();
  await settled();
  expect((await new Viewer(runtime).hello()).type).toBe("session.welcome");
  const mover = new Viewer(runtime);
  const fresh = await mover.hello();
  expect(fresh.type).toBe("session.welcome");
  // Two are connected, which is the limit; the second of them becomes the resumed one.
  mover.send("session.resume", {
    auth: { scheme: "bearer", token: "secret" },
    resume_token: welcome.payload.resume_token,
    last_event_seq: 0,
  });
  const answer = await mover.find(
    ({ type, session_id }) =>
      type === "session.error" || (type === "session.welcome" && session_id !== fresh.session_id),
  );
  expect(answer).toMatchObject({ type: "session.welcome", session_id: welcome.session_id });
  await runtime.close();
});

test("R-14-1: a session that takes the place of a principal's only one keeps that place", () => {
  const quota = new SessionQuota({ connectedSessionsPerPrincipal: 5, sessionsPerPrincipal: 1 });
  const [first, second, third] = [1, 2, 3].map((n) => `sess_${n}` as SessionId);
  quota.add({ id: first, principal: "alice" } as Session);
  const forget = ([session]: Iterable<Session>): boolean => {
    if (session !== undefined) quota.remove(session);
    return session !== undefined;
  };
  expect(quota.arrive("alice", second as SessionId, forget)).toBeUndefined();
  expect(quota.arrive("alice", third as SessionId, forget)?.details).toEqual({
    reason: "sessions_per_principal",
  });
});
