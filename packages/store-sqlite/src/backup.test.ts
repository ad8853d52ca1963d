import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { Connection } from "./connection.ts";
import { sqliteStore } from "./index.ts";

const job = newJobId();
const ALL = { records: 1e6, characters: 1e9 };
const hundred = Array.from({ length: 100 }, () => ({
  kind: "event" as const,
  text: "x".repeat(1000),
}));

/** A store of some ten megabytes, so that its copy takes several steps. */
async function filled(path: string) {
  const store = sqliteStore(path);
  for (let after = 0; after < 3_000; after += 1_000) {
    await store.logs.append([{ job, after, records: Array(10).fill(hundred).flat() }]);
  }
  return store;
}

test("a backup of a store that is written to is a store, with all that was acknowledged before", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const store = await filled(path);
  let copying = true;
  const backup = store.backup(copy).finally(() => {
    copying = false;
  });
  let head = 3_000;
  while (copying) {
    const [outcome] = await store.logs.append([{ job, after: head, records: hundred }]);
    expect(outcome).toBe("appended");
    head += 100;
  }
  await backup;
  expect(head).toBeGreaterThan(3_100);
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  await store.close();

  const restored = sqliteStore(copy);
  const log = await restored.logs.read(job, 0, ALL);
  expect(log.head).toBeGreaterThanOrEqual(3_000);
  expect(log.head).toBeLessThanOrEqual(head);
  expect(log.head % 100).toBe(0);
  expect(log.records).toHaveLength(log.head);
  const [outcome] = await restored.logs.append([{ job, after: log.head, records: hundred }]);
  expect(outcome).toBe("appended");
  await restored.close();
});

test("a backup that a close interrupts leaves nothing, and the last one stays", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const store = await filled(path);
  await store.backup(copy);
  const { mtimeMs } = statSync(copy);
  const backup = store.backup(copy);
  backup.catch(() => {});
  await store.close();
  await expect(backup).rejects.toMatchObject({ code: "CLOSED" });
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "CLOSED" });
  expect(statSync(copy).mtimeMs).toBe(mtimeMs);
  expect(readdirSync(dirname(copy)).filter((name) => name.startsWith(basename(copy)))).toEqual([
    basename(copy),
  ]);
});

test("a backup into a folder that is not there fails as the system does", async () => {
  using scratch = new Scratch();
  const store = sqliteStore(scratch.newFile());
  const copy = `${scratch.newFile()}/no/such.db`;
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "ENOENT" });
  expect(existsSync(copy)).toBe(false);
  await store.close();
});

test("where there is no backup to be had, it is said which Node has one", async () => {
  const none = { prepare: () => expect.fail(), exec: () => {}, close: () => {} };
  await expect(new Connection(none).copyTo("copy.db", 1, () => {})).rejects.toMatchObject({
    code: "MISUSE",
    message: expect.stringContaining("22.16"),
  });
});
