import fs, {
  copyFileSync,
  existsSync,
  fstatSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { Connection } from "./connection.ts";
import { openDatabase } from "./database-file.ts";
import { sqliteStore } from "./index.ts";

const job = newJobId();
const ALL = { records: 1e6, characters: 1e9 };
const hundred = Array.from({ length: 100 }, () => ({
  kind: "event" as const,
  text: "x".repeat(1000),
}));

/** A store of some ten megabytes, so that its backup takes several steps. */
async function filled(path: string) {
  const store = sqliteStore(path);
  for (let after = 0; after < 9_000; after += 1_000) {
    await store.logs.append([{ job, after, records: Array(10).fill(hundred).flat() }]);
  }
  return store;
}

test("a backup made during writes is a store with everything acknowledged before it began", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const store = await filled(path);
  let copying = true;
  const backup = store.backup(copy).finally(() => {
    copying = false;
  });
  let head = 9_000;
  while (copying) {
    const [outcome] = await store.logs.append([{ job, after: head, records: hundred }]);
    expect(outcome).toBe("appended");
    head += 100;
  }
  await backup;
  expect(head).toBeGreaterThan(9_100);
  expect(statSync(copy).mode & 0o777).toBe(process.platform === "win32" ? 0o666 : 0o600);
  await store.close();

  const restored = sqliteStore(copy);
  const log = await restored.logs.read(job, 0, ALL);
  expect(log.head).toBeGreaterThanOrEqual(9_000);
  expect(log.head).toBeLessThanOrEqual(head);
  expect(log.head % 100).toBe(0);
  expect(log.records).toHaveLength(log.head);
  const [outcome] = await restored.logs.append([{ job, after: log.head, records: hundred }]);
  expect(outcome).toBe("appended");
  await restored.close();
});

test("a backup interrupted by a close leaves nothing behind, and the previous one stays", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const store = await filled(path);
  await store.backup(copy);
  const { mtimeMs } = statSync(copy);
  const backup = store.backup(copy);
  const next = store.backup(copy);
  for (const each of [backup, next]) each.catch(() => {});
  await store.close();
  await expect(next).rejects.toMatchObject({ code: "CLOSED" });
  await expect(backup).rejects.toMatchObject({ code: "CLOSED" });
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "CLOSED" });
  expect(statSync(copy).mtimeMs).toBe(mtimeMs);
  expect(readdirSync(dirname(copy)).filter((name) => name.startsWith(basename(copy)))).toEqual([
    basename(copy),
  ]);
});

test("a backup into a missing folder fails with the system's error", async () => {
  using scratch = new Scratch();
  const store = sqliteStore(scratch.newFile());
  const copy = `${scratch.newFile()}/no/such.db`;
  await expect(store.backup(copy)).rejects.toMatchObject({ code: "ENOENT" });
  expect(existsSync(copy)).toBe(false);
  await store.close();
});

test("concurrent backups to one name are each whole", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const store = await filled(path);
  const second = `${copy}.second`;
  const heads = async (from: string) => {
    copyFileSync(from, second);
    const restored = sqliteStore(second);
    const { head, records } = await restored.logs.read(job, 0, ALL);
    await restored.close();
    return [head, records.length];
  };
  const backups = [store.backup(copy), store.backup(copy)];
  await backups[0];
  expect(await heads(copy)).toEqual([9_000, 9_000]);
  await backups[1];
  expect(await heads(copy)).toEqual([9_000, 9_000]);
  await store.close();
});

test("a backup takes nothing from the log that a dead user of the previous copy left behind", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const store = sqliteStore(path);
  await store.logs.append([{ job, after: 0, records: hundred }]);
  await store.backup(copy);
  const user = sqliteStore(copy);
  await user.logs.append([{ job, after: 100, records: hundred }]);
  copyFileSync(`${copy}-wal`, `${path}.left`);
  await user.close();
  renameSync(`${path}.left`, `${copy}-wal`);
  await store.logs.append([{ job, after: 100, records: [{ kind: "event", text: "own" }] }]);
  await store.backup(copy);
  await store.close();

  const restored = sqliteStore(copy);
  const { head, records } = await restored.logs.read(job, 100, ALL);
  expect([head, records]).toEqual([101, [{ kind: "event", text: "own" }]]);
  await restored.close();
});

test("a backup started within a transaction waits for its end", async () => {
  using scratch = new Scratch();
  const [path, copy] = [scratch.newFile(), scratch.newFile()];
  const connection = openDatabase(path);
  connection.execute("CREATE TABLE notes (text)");
  connection.run("BEGIN");
  connection.run("INSERT INTO notes VALUES ('one')");
  let steps = 0;
  await connection.copyTo(copy, 1000, () => {
    steps += 1;
    if (steps === 3) connection.run("COMMIT");
  });
  connection.close();
  const copied = openDatabase(copy);
  expect(copied.all("SELECT * FROM notes")).toEqual([{ text: "one" }]);
  copied.close();
});

test("a backup never overwrites the store, and a name that looks like a URI is taken as a file name", async () => {
  using scratch = new Scratch();
  const path = scratch.newFile();
  const store = sqliteStore(path);
  symlinkSync(path, `${path}.link`);
  for (const own of [path, `${path}.link`, relative(process.cwd(), path)]) {
    await expect(store.backup(own)).rejects.toMatchObject({
      code: "MISUSE",
      message: expect.stringContaining("is the store itself"),
    });
  }
  const folder = process.cwd();
  process.chdir(scratch.path);
  await store.backup("file:copy.db").finally(() => process.chdir(folder));
  await store.close();
  expect(statSync(join(scratch.path, "file:copy.db")).size).toBeGreaterThan(0);
});

test.each([
  ["s.db", "s.db-wal", "s.db-wal"],
  ["s.db.unfinished", "s.db", "s.db.unfinished"],
  ["s.db-journal", "s.db", "s.db-journal"],
])("a backup of %s to %s would destroy %s, and is refused", async (own, copy, taken) => {
  using scratch = new Scratch();
  const store = sqliteStore(join(scratch.path, own));
  await store.logs.append([{ job, after: 0, records: hundred }]);
  await expect(store.backup(join(scratch.path, copy))).rejects.toMatchObject({
    code: "MISUSE",
    message: `${join(scratch.path, taken)} is the store itself; a backup needs another file`,
  });
  expect(readdirSync(scratch.path).toSorted()).toEqual([own, `${own}-wal`]);
  await store.close();
});

/**
 * Until the result is disposed of, every asynchronous sync calls this first; what it returns is the error that the sync
 * fails with.
 */
function watchedSyncs(seen: (file: number) => string | undefined): Disposable {
  const { fsync } = fs;
  const use = (sync: typeof fsync): void => {
    fs.fsync = sync;
    syncBuiltinESMExports();
  };
  const sync = (file: number, done: fs.NoParamCallback): void => {
    const code = seen(file);
    if (code === undefined) fsync(file, done);
    else done(Object.assign(new Error(`${code}: fsync`), { code }));
  };
  use(Object.assign(sync, { __promisify__: fsync.__promisify__ }));
  return { [Symbol.dispose]: () => use(fsync) };
}

test.skipIf(process.platform === "win32")(
  "a backup is finished only once its name is on the disk too, where the folder can be synced",
  async () => {
    using scratch = new Scratch();
    const [path, copy] = [scratch.newFile(), scratch.newFile()];
    const store = sqliteStore(path);
    await store.logs.append([{ job, after: 0, records: hundred }]);
    const folder = statSync(dirname(copy)).ino;
    let answer: string | undefined;
    let syncs = 0;
    using _syncs = watchedSyncs((file) => {
      if (fstatSync(file).ino !== folder) return undefined;
      expect(readdirSync(dirname(copy))).toContain(basename(copy));
      expect(readdirSync(dirname(copy))).not.toContain(`${basename(copy)}.unfinished`);
      syncs += 1;
      return answer;
    });
    await store.backup(copy);
    expect(syncs).toBe(1);
    answer = "EINVAL";
    await store.backup(copy);
    answer = "EIO";
    await expect(store.backup(copy)).rejects.toMatchObject({ code: "EIO" });
    expect(syncs).toBe(3);
    await store.close();
  },
);

test("where backups are not supported, the error says which Node supports them", async () => {
  const none = { prepare: () => expect.fail(), exec: () => {}, close: () => {} };
  await expect(new Connection(none).copyTo("copy.db", 1, () => {})).rejects.toMatchObject({
    code: "MISUSE",
    message: expect.stringContaining("22.16"),
  });
});
