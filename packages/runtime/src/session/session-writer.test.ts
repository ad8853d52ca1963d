import { type JobId, newJobId, newSessionId } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { slowClaims } from "../../test/slow-claims.ts";
import type { Role } from "../store/index.ts";
import { memoryStore } from "../store/memory-store.ts";
import { SessionWriter } from "./session-writer.ts";

const [A, B] = [newJobId(), newJobId()];

async function writing() {
  const { sessions } = memoryStore();
  const session = newSessionId();
  const row = { id: session, principal: "alice", features: [], epoch: 1, tokens: [], acked: 0 };
  await sessions.insert(row);
  const failures: unknown[] = [];
  const failed = (_: unknown, error: unknown) => void failures.push(error);
  const writer = new SessionWriter({ session, store: sessions, epoch: 1, failed });
  const attach = (job: JobId, role: Role, after: number) =>
    writer.note({ attach: [{ job, role, after, since: 0 }] });
  const attached = async () =>
    (await sessions.attachments(session)).map(({ job, after }) => [job, after]);
  return { writer, session, sessions, attach, attached, failures };
}

test("R-6.3-14, P5: what is noted during a claim is stored under the epoch that the claim raises, in order", async () => {
  const { writer, session, sessions, attach, attached, failures } = await writing();
  const { answer } = slowClaims(sessions);
  const claimed = writer.claim(() => ["a"]);
  await settled(1);
  attach(A, "observer", 1);
  attach(B, "observer", 2);
  writer.note({ detach: [A] });
  attach(A, "owner", 3);
  const tokens = writer.commit({ tokens: ["a", "b"] });
  // The overtaken projector is still fenced.
  expect(await writer.commit({ tokens: ["c"] }, 1)).toBe("fenced");
  expect(await attached()).toEqual([]);
  answer();
  expect(await claimed).toBe("committed");
  expect(await tokens).toBe("committed");
  expect(await attached()).toEqual([
    [B, 2],
    [A, 3],
  ]);
  expect(await sessions.get(session)).toMatchObject({ epoch: 2, tokens: ["a", "b"] });
  expect([writer.epoch, failures]).toEqual([2, []]);
});

test("P5: what waits for a claim that fails is stored under the previous epoch", async () => {
  const { writer, sessions, attach, attached } = await writing();
  const answer = Promise.withResolvers<"fenced">();
  sessions.claim = () => answer.promise;
  const claimed = writer.claim(() => ["a"]);
  await settled(1);
  attach(A, "observer", 1);
  answer.reject(new Error("lost"));
  await expect(claimed).rejects.toThrow("lost");
  await settled(1);
  expect(await attached()).toEqual([[A, 1]]);
  expect(writer.epoch).toBe(1);
});

describe("P5: a claim that was rejected but still took place", () => {
  test("is the session's own: what waited for it and the next claim take effect", async () => {
    const { writer, session, sessions, attach, attached, failures } = await writing();
    const { claim } = sessions;
    sessions.claim = async (...claimed) => {
      sessions.claim = claim;
      await claim.apply(sessions, claimed);
      throw new Error("the connection to the store is lost");
    };
    const claimed = expect(writer.claim(() => ["a"])).rejects.toThrow("is lost");
    attach(A, "observer", 1);
    await claimed;
    await settled(1);
    expect(await attached()).toEqual([[A, 1]]);
    expect(await writer.claim(() => ["b"])).toBe("committed");
    expect(await sessions.get(session)).toMatchObject({ epoch: 3, tokens: ["b"] });
    expect([writer.epoch, failures]).toEqual([3, []]);
  });

  test("is recognised by the next claim, even if the store answers nothing for a while", async () => {
    const { writer, session, sessions } = await writing();
    const { claim, get } = sessions;
    sessions.claim = async (...claimed) => {
      await claim.apply(sessions, claimed);
      throw new Error("the connection to the store is lost");
    };
    sessions.get = () => Promise.reject(new Error("the store does not answer"));
    await expect(writer.claim(() => ["a"])).rejects.toThrow("is lost");
    await expect(writer.claim(() => ["b"])).rejects.toThrow("does not answer");
    Object.assign(sessions, { claim, get });
    expect(await writer.claim(() => ["c"])).toBe("committed");
    expect(await sessions.get(session)).toMatchObject({ epoch: 3, tokens: ["c"] });
  });

  test("is not taken for that of another runtime that came meanwhile", async () => {
    const { writer, session, sessions } = await writing();
    const { claim } = sessions;
    sessions.claim = async (id, epoch) => {
      sessions.claim = claim;
      await claim.call(sessions, id, epoch, ["theirs"]);
      throw new Error("the connection to the store is lost");
    };
    await expect(writer.claim(() => ["a"])).rejects.toThrow("is lost");
    expect(await writer.claim(() => ["b"])).toBe("fenced");
    expect(await sessions.get(session)).toMatchObject({ epoch: 2, tokens: ["theirs"] });
  });
});

test("P5: concurrent claims take turns, and one that gives up raises no epoch", async () => {
  const { writer, session, sessions } = await writing();
  const outcomes = [["a"], undefined, ["b"]].map((tokens) => writer.claim(() => tokens));
  expect(await Promise.all(outcomes)).toEqual(["committed", "fenced", "committed"]);
  expect(await sessions.get(session)).toMatchObject({ epoch: 3, tokens: ["b"] });
});

test("a write that nobody awaits and that fails is reported, and a forgotten session notes nothing", async () => {
  const { writer, sessions, attach, attached, failures } = await writing();
  const { commit } = sessions;
  sessions.commit = async () => "fenced";
  attach(A, "observer", 1);
  await settled(1);
  expect(failures).toMatchObject([{ message: "another runtime has taken the session over" }]);
  sessions.commit = commit;
  writer.retire();
  attach(A, "observer", 1);
  await settled(1);
  expect(await attached()).toEqual([]);
});
