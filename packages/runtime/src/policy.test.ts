import type { Lease } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { hosting } from "../test/hosting.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { defaultPolicy, type Policy, policyOf } from "./policy.ts";

test("a missing or undefined part of the policy has its safe default", () => {
  expect(policyOf()).toEqual(defaultPolicy);
  const maySubmit = () => false;
  const some: Policy = { maySubmit, mayObserve: undefined, grant: undefined };
  const chosen = policyOf(some);
  expect(chosen).toEqual({ ...defaultPolicy, maySubmit: chosen.maySubmit });
  expect(chosen.maySubmit("alice", "led")).toBe(false);
});

test("a policy may be an instance of a class", () => {
  class Team {
    readonly #members = new Set(["alice"]);
    maySubmit(principal: string): boolean {
      return this.#members.has(principal);
    }
  }
  const { maySubmit } = policyOf(new Team());
  expect([maySubmit("alice", "led"), maySubmit("bob", "led")]).toEqual([true, false]);
});

/** Two clients, and what the operator reads, when this part of the policy returns a promise. */
function undecided(part: keyof Policy) {
  const told: string[] = [];
  const { runtime, start } = hosting({
    policy: { [part]: async () => Promise.reject(new Error("too late")) },
    logger: pino(
      { level: "error" },
      { write: (line) => void told.push(JSON.parse(line).err?.message) },
    ),
  });
  const [owner, stranger] = [new Viewer(runtime), new Viewer(runtime)];
  return { told, start, owner, stranger };
}

const FAILED = expect.objectContaining({ code: "INTERNAL_ERROR" });

test("R-7.6-1: a policy that returns a promise lets nobody watch another's job", async () => {
  const { told, start, owner, stranger } = undecided("mayObserve");
  await owner.hello(ALL_FEATURES);
  await stranger.hello([...ALL_FEATURES, "list_jobs"], "other");
  const { id: job_id } = await start(owner);
  const subscribe = stranger.send("job.subscribe", { job_id }, { job_id });
  expect((await stranger.reply(subscribe)).payload.code).toBe("JOB_NOT_FOUND");
  expect((await stranger.reply(stranger.send("session.list_jobs", {}))).payload.jobs).toEqual([]);
  expect(new Set(told)).toEqual(
    new Set(["policy.mayObserve must decide synchronously, but returned a promise"]),
  );
});

test("R-7.6-2: a policy that fails reveals no job, and hides nobody's own", async () => {
  const errors: unknown[] = [];
  const { runtime, start } = hosting({
    policy: {
      mayObserve: () => {
        throw new Error("the directory is down");
      },
    },
    logger: pino({ level: "error" }, { write: (line) => void errors.push(JSON.parse(line)) }),
  });
  const [owner, stranger] = [new Viewer(runtime), new Viewer(runtime)];
  await owner.hello([...ALL_FEATURES, "list_jobs"]);
  await stranger.hello([...ALL_FEATURES, "list_jobs"], "other");
  const hidden = [(await start(owner)).id, (await start(owner)).id];
  const answer = async (job_id: string) => {
    const request = stranger.send("job.subscribe", { job_id }, { job_id });
    const { payload } = await stranger.reply(request);
    return { ...payload, job_id: "", request_id: "" };
  };
  expect(await answer(hidden[0] ?? "")).toEqual(await answer("job_01KB2M5T9K"));
  expect(errors[0]).toMatchObject({
    job: hidden[0],
    principal: "bob",
    err: { message: "the directory is down" },
  });
  errors.length = 0;
  const { id: own } = await start(stranger);
  const listed = async (viewer: Viewer) =>
    (await viewer.reply(viewer.send("session.list_jobs", {}))).payload.jobs.map(
      ({ job_id }: { job_id: string }) => job_id,
    );
  expect(await listed(stranger)).toEqual([own]);
  // However many jobs it fails for.
  expect(errors).toHaveLength(1);
  expect((await listed(owner)).toSorted()).toEqual(hidden.toSorted());
});

test("R-7.1-3: a policy that returns a promise grants nothing", async () => {
  const { told, owner } = undecided("grant");
  await owner.hello(ALL_FEATURES);
  const submit = owner.send("job.submit", { agent: "led", input: null });
  expect((await owner.reply(submit)).payload).toEqual(FAILED);
  expect(told).toEqual(["policy.grant must decide synchronously, but returned a promise"]);
});

test.each([
  { "tool.call": "ocr.*" },
  { "tool.call": ["ocr.*", 7] },
  ["ocr.*"],
  "ocr.*",
  null,
  undefined,
])(
  "R-7.1-3: a policy that returns %j, which is not a lease, grants nothing, and the operator is told what to return",
  async (given) => {
    const told: unknown[] = [];
    const { runtime } = hosting({
      policy: { grant: () => given as Lease },
      logger: pino(
        { level: "error" },
        { write: (line) => void told.push(JSON.parse(line).err?.message) },
      ),
    });
    const viewer = new Viewer(runtime);
    await viewer.hello(ALL_FEATURES);
    const lease_request = { "tool.call": ["*"] };
    expect((await viewer.submit("led", null, { lease_request })).payload).toEqual(FAILED);
    expect(told).toEqual(["policy.grant must return a lease: an object of lists of patterns"]);
  },
);

test.each(["maySubmit", "dialect"] as const)(
  "a policy whose %s returns a promise lets nobody in",
  async (part) => {
    const { told, owner } = undecided(part);
    const auth = { scheme: "bearer", token: "secret" };
    // No session exists yet: this is the reply to the hello (R-5.4-1).
    const { type, payload } = await owner.reply(owner.send("session.hello", { auth }));
    expect([type, payload]).toEqual(["session.error", FAILED]);
    expect(told).toEqual([`policy.${part} must decide synchronously, but returned a promise`]);
  },
);
