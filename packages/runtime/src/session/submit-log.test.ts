import { type MessageId, newJobId, newMessageId } from "@arcp/core";
import { expect, test } from "vitest";
import { collectGarbage } from "../../test/collect-garbage.ts";
import { settled } from "../../test/held-store.ts";
import type { Announcement } from "../announcement.ts";

import { type FailedReply, SubmitLog, type SubmitReply } from "./submit-log.ts";

const said = (word: string) => {
  const announcement: Announcement = { type: "job.accepted", payload: { word } };
  return { kind: "accepted", announcement } as const;
};
const accepted = (reply: SubmitReply | FailedReply) =>
  reply.kind === "accepted" ? reply : expect.fail(`it is ${reply.kind}`);
const wordOf = (reply: SubmitReply | FailedReply) =>
  (accepted(reply).announcement.payload as { word: string }).word;

test("R-5.4-5: replies keep the order of the submits, however long each takes to decide", async () => {
  const log = new SubmitLog();
  const given: string[] = [];
  const slow = Promise.withResolvers<SubmitReply>();
  const give = (reply: SubmitReply | FailedReply) => void given.push(wordOf(reply));
  const first = log.answer(newMessageId(), () => slow.promise, give);
  const second = log.answer(newMessageId(), async () => said("second"), give);
  const unreadable = log.reject(() => given.push("unreadable"));
  await settled(3);
  expect(given).toEqual([]);
  expect(log.pending).toBe(true);
  slow.resolve(said("first"));
  await Promise.all([first, second, unreadable]);
  expect(given).toEqual(["first", "second", "unreadable"]);
  expect(log.pending).toBe(false);
});

test("R-5.4-8: a repeated submit gets the same answer, is decided once, and starts nothing again", async () => {
  const log = new SubmitLog();
  const id = newMessageId();
  const given: Array<SubmitReply | FailedReply> = [];
  let decided = 0;
  const decide = async () => {
    decided += 1;
    await settled(1);
    return { ...said(`${decided}`), begin: () => {} };
  };
  // Once while it is being decided, once afterwards.
  const both = [
    log.answer(id, decide, (r) => given.push(r)),
    log.answer(id, decide, (r) => given.push(r)),
  ];
  await Promise.all(both);
  await log.answer(id, decide, (reply) => given.push(reply));
  expect(decided).toBe(1);
  expect(given.map(wordOf)).toEqual(["1", "1", "1"]);
  expect(given.map((reply) => accepted(reply).begin !== undefined)).toEqual([true, false, false]);
});

test("R-14-2: of a job with a long lease only the id is remembered", async () => {
  const log = new SubmitLog();
  const id = newMessageId();
  const job_id = newJobId();
  const reply = (patterns: number, more: object = {}): SubmitReply => {
    const lease = { "tool.call": Array.from({ length: patterns }, () => "tool") };
    const payload = { lease, ...more };
    return { kind: "accepted", announcement: { type: "job.accepted", job_id, payload } };
  };
  const given: Array<SubmitReply | FailedReply> = [];
  const answer = async (id: MessageId, first: SubmitReply) => {
    for (let times = 0; times < 2; times++) {
      const give = (one: SubmitReply | FailedReply) => {
        if (one.kind === "accepted") log.said(id, one.announcement);
        given.push(one);
      };
      await log.answer(id, async () => first, give);
    }
  };
  await answer(id, reply(200, { truncated: true }));
  expect(given[1]).toEqual({ kind: "remembered", job: job_id, request: id, truncated: true });
  expect([log.acceptance(job_id), log.remembered(job_id)]).toEqual([undefined, given[1]]);
  await answer(newMessageId(), reply(3));
  expect(given[3]).toEqual(given[2]);
  expect(log.acceptance(job_id)).toEqual(accepted(given[2] ?? expect.fail()).announcement);
});

test("R-5.4-5: a reply that could not be given is reported in its place, and delays no later reply", async () => {
  const log = new SubmitLog();
  const failure = new Error("the store failed");
  const stored = Promise.withResolvers<void>();
  const given: unknown[] = [];
  const answers = [
    log.answer(
      newMessageId(),
      async () => said("a"),
      (reply) => (reply.kind === "failed" ? given.push(reply.error) : stored.promise),
    ),
    log.answer(
      newMessageId(),
      async () => said("b"),
      (reply) => given.push(wordOf(reply)),
    ),
  ];
  await settled(1);
  expect(given).toEqual([]);
  stored.reject(failure);
  await Promise.all(answers);
  expect(given).toEqual([failure, "b"]);
  expect(log.pending).toBe(false);
});

test.each(["decided", "given"])(
  "R-5.4-8: a submit repeated while it is %s is not reported as accepted if its acceptance cannot be given",
  async (when) => {
    const log = new SubmitLog();
    const id = newMessageId();
    const failure = new Error("the store failed");
    const given: unknown[] = [];
    const decided = Promise.withResolvers<SubmitReply>();
    const stored = Promise.withResolvers<void>();
    const give = (reply: SubmitReply | FailedReply) =>
      given.push(reply.kind === "failed" ? reply.error : wordOf(reply));
    const first = log.answer(
      id,
      () => decided.promise,
      (reply) => (reply.kind === "failed" ? give(reply) : stored.promise),
    );
    if (when === "given") decided.resolve(said("first"));
    await settled(1);
    const decide = async () => said("anew");
    const repeated = log.answer(id, decide, give);
    decided.resolve(said("first"));
    stored.reject(failure);
    await Promise.all([first, repeated]);
    expect(given).toEqual([failure, failure]);
    await log.answer(id, decide, give);
    expect(given).toEqual([failure, failure, "anew"]);
  },
);

test("R-D-4: a submit waits for its answer even if nobody decides it", async () => {
  const log = new SubmitLog();
  const given = log.reject(() => expect(log.pending).toBe(true));
  expect(log.pending).toBe(true);
  await given;
  expect(log.pending).toBe(false);
});

test("R-5.4-8: the newest 1,000 submits are remembered, and no more", async () => {
  const log = new SubmitLog();
  const decided: MessageId[] = [];
  const answer = (id: MessageId) =>
    log.answer(
      id,
      async () => {
        decided.push(id);
        return said(id);
      },
      () => {},
    );
  const ids = Array.from({ length: 1001 }, () => newMessageId());
  for (const id of ids) await answer(id);
  decided.length = 0;
  for (const id of ids.slice(1)) await answer(id);
  expect(decided).toEqual([]);
  await answer(ids[0] as MessageId);
  expect(decided).toEqual([ids[0]]);
});

test("what began with a submit is not kept for the sake of its reply", async () => {
  const log = new SubmitLog();
  const begun: Array<WeakRef<object>> = [];
  for (let i = 0; i < 10; i++) {
    await log.answer(
      newMessageId(),
      async () => {
        const input = { large: new Array(1000).fill(i) };
        begun.push(new WeakRef(input));
        return { ...said("ok"), begin: () => void input.large };
      },
      (reply) => accepted(reply).begin?.(),
    );
  }
  await settled();
  collectGarbage();
  // The newest may still be in a register.
  expect(begun.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(1);
});
