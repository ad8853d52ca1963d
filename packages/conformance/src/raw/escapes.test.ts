import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { delegations } from "../../test/escapes/delegations.ts";
import type { Escape } from "../../test/escapes/escape.ts";
import { late } from "../../test/escapes/late.ts";
import { leases } from "../../test/escapes/leases.ts";
import { money } from "../../test/escapes/money.ts";
import { names } from "../../test/escapes/names.ts";
import { paths } from "../../test/escapes/paths.ts";
import { openScene, SECRET } from "../../test/escapes/scene.ts";
import { urls } from "../../test/escapes/urls.ts";

let scene: Awaited<ReturnType<typeof openScene>>;
let inventory: readonly string[];

beforeAll(async () => {
  scene = await openScene();
  inventory = await scene.inventory();
});

afterAll(() => scene[Symbol.asyncDispose]());

/** Operations whose refusal also appears in the stream (R-9.3-3, R-10-3). */
const SHOWN = [
  "fs.read",
  "fs.write",
  "fs.list",
  "fs.stat",
  "fetch",
  "model",
  "tool.call",
  "delegate",
];

const tables: Record<string, readonly Escape[]> = { paths, urls, names, money, delegations, late };

describe.each(Object.entries(tables))("R-9.3-1, R-9.3-2, R-9.3-3 and R-9.3-5: %s", (_, table) => {
  test.each(table)("$what: $code", async (tried) => {
    const { outcomes, frames, ran } = await scene.attempt(tried);
    const refused = outcomes.filter(({ code }) => code !== undefined);
    expect(refused.map(({ code }) => code)).toEqual([tried.code]);
    // A refusal appears as the pair of a call, and every other operation succeeded.
    const errors = frames.filter(
      ({ payload }) => payload.kind === "tool_result" && payload.body.error,
    );
    // An error of the system, such as ENOENT, is not a refusal.
    const isShown = refused.some(({ op }) => SHOWN.includes(op)) && !/^E[A-Z]+$/.test(tried.code);
    const shown = isShown && !tried.unseen ? [tried.code] : [];
    expect(errors.map(({ payload }) => payload.body.error.code)).toEqual(shown);
    for (const { job_id, payload } of errors) {
      const { call_id } = payload.body;
      const calls = frames.filter((message) => {
        const { body = {} } = message["payload"];
        return message["job_id"] === job_id && [body.call_id, body.delegate_id].includes(call_id);
      });
      expect(calls).toHaveLength(2);
    }
    const called = outcomes.filter(({ op, code }) => op === "tool.call" && code === undefined);
    expect(ran).toHaveLength(called.length);
    expect(JSON.stringify([outcomes, frames])).not.toContain(SECRET);
    expect(await scene.inventory()).toEqual(inventory);
    expect(scene.strayRequests()).toEqual([]);
  });
});

describe.each(leases)("R-9.2-1, R-9.2-3, R-9.5-1 and R-9.6-1: $concept", (group) => {
  test("a well-formed lease is accepted", async () => {
    for (const members of group.accepted) {
      const reply = await scene.submit(group.features, members);
      expect([members, reply["type"]]).toEqual([members, "job.accepted"]);
    }
  });

  test.each(group.refused)("%s: INVALID_REQUEST", async (_, members) => {
    const { type, payload } = await scene.submit(group.features, members);
    expect([type, payload.code]).toEqual(["session.error", "INVALID_REQUEST"]);
    expect(payload.message.length).toBeGreaterThan(10);
  });
});

test("there are more than 300 attempts, and no two are the same", () => {
  const tried = Object.values(tables).flat();
  const requests = leases.flatMap(({ refused }) => refused.map(([, members]) => members));
  expect(tried.length + requests.length).toBeGreaterThan(300);
  expect(new Set(requests).size).toBe(requests.length);
  const all = tried.map(({ what: _, ...rest }) => JSON.stringify(rest));
  expect(new Set(all).size).toBe(all.length);
});
