import { DatabaseSync } from "node:sqlite";
import { newJobId, newSessionId } from "@arcp/core";
import type { JobQuery } from "@arcp/runtime/store";
import { expect, test } from "vitest";
import { damagedHouses, UNREADABLE } from "../test/damaged-house.ts";
import { sqliteStore } from "./sqlite-store.ts";

const { scratch } = damagedHouses();

test.each([1, 2, 3, 7])(
  "a listing in pages of %d omits what is unreadable, and reports it",
  async (limit) => {
    const file = scratch.newFile();
    const row = {
      principal: "alice",
      session: newSessionId(),
      features: [],
      agent: "a@1",
      lease: {},
      traceId: "t",
      status: "running",
    } as const;
    const ids = Array.from({ length: 7 }, () => newJobId());
    const store = sqliteStore(file);
    for (const [i, id] of ids.entries()) await store.jobs.insert({ ...row, id, acceptedAt: i });
    await store.close();
    const hurt = [0, 2, 3, 6].map((i) => ids[i] ?? newJobId());
    const database = new DatabaseSync(file);
    for (const id of hurt) database.prepare(UNREADABLE["the lease"]).run(id);
    database.close();

    const { jobs, close } = sqliteStore(file);
    const found: string[] = [];
    const damaged = new Map<string, string | undefined>();
    for (let after: JobQuery["after"]; ; ) {
      const page = await jobs.list({ limit, after }, ({ id, session }) => damaged.set(id, session));
      found.push(...page.map(({ id }) => id));
      after = page.at(-1);
      if (page.length < limit) break;
    }
    expect(found).toEqual(ids.filter((id) => !hurt.includes(id)));
    expect(damaged).toEqual(new Map(hurt.map((id) => [id, row.session])));
    const [first = newJobId()] = hurt;
    await expect(jobs.get(first)).rejects.toMatchObject({ name: "DamagedRow", principal: "alice" });
    await jobs.update(first, { status: "error" });
    expect(await jobs.list({ limit, statuses: ["error"] })).toEqual([]);
    await close();
  },
);
