import { newJobId, newSessionId, type SessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { slowClaims } from "../../test/slow-claims.ts";
import { memoryStore } from "../store/memory-store.ts";
import { Stream } from "./stream.ts";

const [A, B] = [newJobId(), newJobId()];

async function streaming() {
  const { sessions } = memoryStore();
  const session = newSessionId();
  await sessions.insert({
    id: session,
    principal: "alice",
    features: [],
    epoch: 1,
    tokens: [],
    acked: 0,
  });
  const failed = (_: SessionId, error: unknown) => expect.fail(String(error));
  const host = { store: sessions, failed };
  const options = { session, features: new Set<string>(), epoch: 1, host };
  const stream = new Stream(options);
  const runs = [
    { from: 1, job: A, jobFrom: 1, role: "owner" as const },
    { from: 4, job: B, jobFrom: 1, role: "owner" as const },
  ];
  await stream.writer.commit({ runs });
  stream.journal.open(runs);
  stream.journal.issue(9);
  return { stream, session, sessions, stored: () => sessions.runs(session) };
}

test("P1: a release during a claim is stored under the new epoch", async () => {
  const { stream, stored, sessions } = await streaming();
  const { answer } = slowClaims(sessions);
  const claimed = stream.writer.claim(() => ["a"]);
  await settled(1);
  const released = stream.release(B);
  answer();
  await Promise.all([claimed, released]);
  expect((await stored()).at(-1)?.to).toBe(9);
});

test("P1: a release that could not be stored fails, and may be retried", async () => {
  const { stream, stored, sessions } = await streaming();
  const { commit } = sessions;
  sessions.commit = async () => "fenced";
  await expect(stream.release(B)).rejects.toThrow("another runtime has taken the session over");
  sessions.commit = commit;
  await stream.release(B);
  expect((await stored()).at(-1)?.to).toBe(9);
});

test("P1: before a job is released, the last run says how far the numbers went, if it belongs to that job", async () => {
  const { stream, stored } = await streaming();
  await stream.release(A);
  expect((await stored()).map(({ to }) => to)).toEqual([undefined, undefined]);
  await stream.release(B);
  await stream.release(B);
  expect((await stored()).map(({ to }) => to)).toEqual([undefined, 9]);
  // Nothing goes on in it.
  expect(stream.journal.current).toBeUndefined();
  expect(stream.journal.origin(10)).toBeUndefined();
});

test("P1: so it does after a commit of unknown outcome", async () => {
  const { stream, stored } = await streaming();
  stream.journal.seal();
  await stream.release(B);
  expect((await stored()).at(-1)?.to).toBe(9);
});

test("P1: a commit of runs in flight is not affected by the release of the job before them", async () => {
  for (const first of ["runs", "release"]) {
    const { stream, stored } = await streaming();
    const runs = [{ from: 10, job: A, jobFrom: 4, role: "owner" as const }];
    const changes = [() => stream.writer.commit({ runs }), () => stream.release(B)];
    if (first === "release") changes.reverse();
    await Promise.all(changes.map((change) => change()));
    expect((await stored()).map(({ from, to }) => [from, to])).toEqual([
      [1, undefined],
      [4, 9],
      [10, undefined],
    ]);
  }
});
