import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LocalError, newJobId, newSessionId } from "@arcp/core";
import type { LogRecord } from "@arcp/runtime/store";
import { afterAll, expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { DEFAULT_LOG_LIMITS, readLogLimits } from "./log-limits.ts";
import { sqliteStore, storeOn } from "./sqlite-store.ts";
import { WalFile } from "./wal-file.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

const holder = join(import.meta.dirname, "../test/holder.ts");
const nobody = join(import.meta.dirname, "../test/nobody.ts");
const ALL = { records: 1_000_000, characters: 1_000_000_000 };

function refusal(path: string): LocalError {
  try {
    void sqliteStore(path).close();
  } catch (error) {
    if (error instanceof LocalError) return error;
    throw error;
  }
  return expect.fail("it was opened");
}

test("everything is in one file with a write-ahead log, and SQLite's own syncs keep it whole", async () => {
  const path = scratch.newFile();
  const connection = openDatabase(path);
  expect(connection.value("PRAGMA journal_mode")).toBe("wal");
  expect(connection.value("PRAGMA synchronous")).toBe(1);
  expect(connection.value("PRAGMA checkpoint_fullfsync")).toBe(1);
  expect(connection.value("PRAGMA locking_mode")).toBe("exclusive");
  expect(connection.value("PRAGMA auto_vacuum")).toBe(2);
  expect(existsSync(`${path}-wal`)).toBe(true);
  expect(existsSync(`${path}-shm`)).toBe(false);
  connection.close();
  expect([existsSync(path), existsSync(`${path}-wal`)]).toEqual([true, false]);
});

test("the settings hold when a file is opened again", () => {
  const path = scratch.newFile();
  openDatabase(path).close();
  const connection = openDatabase(path);
  for (const [pragma, value] of [
    ["journal_mode", "wal"],
    ["synchronous", 1],
    ["auto_vacuum", 2],
  ])
    expect(connection.value(`PRAGMA ${pragma}`)).toBe(value);
  expect(existsSync(`${path}-shm`)).toBe(false);
  connection.close();
});

test.each([
  ["PRAGMA journal_mode = WAL", "journal_mode is delete"],
  ["PRAGMA synchronous = NORMAL", "synchronous is 0"],
])("a database that does not apply %j is refused", (ignored, problem) => {
  const path = scratch.newFile();
  const connect = (place: string) => {
    const database = new DatabaseSync(place);
    database.exec("PRAGMA synchronous = OFF");
    const exec = database.exec.bind(database);
    return Object.assign(database, { exec: (sql: string) => void (sql === ignored || exec(sql)) });
  };
  expect(() => openDatabase(path, connect)).toThrow(problem);
  // Nothing stays behind that locks the file.
  openDatabase(path).close();
});

// Windows has no such permissions.
test.skipIf(process.platform === "win32")(
  "only its owner can read or write a new file",
  async () => {
    const path = scratch.newFile();
    const store = sqliteStore(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    await store.close();
  },
);

test.skipIf(process.platform === "win32")(
  "only its owner can read or write a new file behind a link",
  async () => {
    const [path, link] = [scratch.newFile(), scratch.newFile()];
    symlinkSync(path, link);
    const store = sqliteStore(link);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await store.close();
  },
);

test("a second opening is refused as long as the first one lasts, and no longer", async () => {
  const path = scratch.newFile();
  const store = sqliteStore(path);
  for (let attempt = 0; attempt < 3; attempt++) {
    const error = refusal(path);
    expect(error.code).toBe("MISUSE");
    expect(error.message).toContain(path);
    expect(error.message).toContain("one runtime at a time");
  }
  // The refused openings did not release the lock, which other processes see as well.
  const { stdout } = spawnSync(process.execPath, [holder, path], { encoding: "utf8" });
  expect(stdout).toContain("one runtime at a time");
  await store.idempotency.put({
    principal: "a",
    key: "k",
    fingerprint: "f",
    job: newJobId(),
    acceptedAt: 1,
  });
  await store.close();
  const next = sqliteStore(path);
  expect(await next.idempotency.get("a", "k")).toMatchObject({ fingerprint: "f" });
  await next.close();
});

test("R-6.3-20: after a kill -9 the file opens at once, with everything that was acknowledged", async () => {
  const path = scratch.newFile();
  const child = spawn(process.execPath, [holder, path], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  let said = "";
  child.stdout.setEncoding("utf8");
  // Its output stays open: a process that cannot write ends by itself.
  for await (const text of child.stdout.iterator({ destroyOnReturn: false })) {
    said += text;
    if (said.split("\n").length > 20) break;
  }
  expect(refusal(path).message).toContain("one runtime at a time");
  child.kill("SIGKILL");
  await exit;
  expect(existsSync(`${path}-wal`)).toBe(true);

  // Each whole line names a job and the acknowledged head of its log.
  const [job = "", acknowledged = ""] = said.split("\n").at(-2)?.split(" ") ?? [];
  const store = sqliteStore(path);
  const page = await store.logs.read(job as never, 0, ALL);
  expect(page.head).toBeGreaterThanOrEqual(Number(acknowledged));
  expect(page.head % 3, "each append is whole").toBe(0);
  expect(page.records).toEqual(
    Array.from({ length: page.head }, (_, i): LogRecord => ({ kind: "event", text: `${i + 1}` })),
  );
  await store.close();
});

test("files that a dead process left beside the store do not mislead the next one", async () => {
  const path = scratch.newFile();
  const store = sqliteStore(path);
  await store.logs.append([{ job: newJobId(), after: 0, records: [{ kind: "event", text: "1" }] }]);
  await store.close();
  writeFileSync(`${path}-wal`, "not a log");
  writeFileSync(`${path}-shm`, Buffer.alloc(32_768, 0xff));
  const again = sqliteStore(path);
  await again.close();
});

test("a file that is not a store is refused and left untouched", () => {
  const text = scratch.newFile();
  writeFileSync(
    text,
    "a text file that is long enough to be a header, or so one might think\n".repeat(20),
  );
  expect(refusal(text).message).toBe(`cannot open the store ${text}: it is not a database`);

  const foreign = scratch.newFile();
  const database = new DatabaseSync(foreign);
  database.exec("CREATE TABLE notes (text TEXT)");
  database.close();
  const before = readFileSync(foreign);
  expect(refusal(foreign).message).toContain("another program");
  expect(readFileSync(foreign).equals(before)).toBe(true);

  expect(refusal(join(scratch.path, "no/such/folder.db")).message).toContain(
    "neither the file nor its directory exists",
  );
  expect(refusal(scratch.path)).toMatchObject({
    code: "MISUSE",
    message: `cannot open the store ${scratch.path}: it is a directory: name a file inside it`,
  });
});

test.skipIf(process.platform === "win32")(
  "a file without read or write permission is told apart from a failing disk",
  async () => {
    chmodSync(scratch.path, 0o755);
    const [readable, hidden] = [scratch.newFile(), scratch.newFile()];
    for (const [path, mode] of [
      [readable, 0o444],
      [hidden, 0o000],
    ] as const) {
      await sqliteStore(path).close();
      chmodSync(path, mode);
    }
    const folder = join(scratch.path, "closed");
    mkdirSync(folder);
    const alone = join(folder, "store.db");
    await sqliteStore(alone).close();
    chmodSync(alone, 0o666);
    chmodSync(folder, 0o555);
    const files = [readable, hidden, join(folder, "new.db"), alone];
    const { stdout } = spawnSync(process.execPath, [nobody, ...files], { encoding: "utf8" });
    chmodSync(folder, 0o755);
    const lines = stdout.trim().split("\n");
    expect(lines).toEqual([
      ...Array(3).fill(expect.stringContaining("EACCES: permission denied: the user who runs")),
      expect.stringContaining("must be able to write to its directory"),
    ]);
  },
);

test("every attempt to open a damaged store is refused with an error that names it", async () => {
  const path = scratch.newFile();
  const store = sqliteStore(path);
  await store.logs.append([{ job: newJobId(), after: 0, records: [{ kind: "event", text: "1" }] }]);
  await store.close();
  const database = new DatabaseSync(path);
  const find = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'logs'");
  const page = Number(find.get()?.["rootpage"]) - 1;
  database.close();
  writeFileSync(path, readFileSync(path).fill(0xff, page * 4096, (page + 1) * 4096));
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(refusal(path)).toMatchObject({
      code: "MISUSE",
      message: `cannot open the store ${path}: database disk image is malformed`,
    });
  }
});

// Windows would read it as a stream of the file `file`.
test.skipIf(process.platform === "win32")(
  "a name that looks like a URI is taken as a file name",
  async () => {
    const before = process.cwd();
    process.chdir(scratch.path);
    try {
      await sqliteStore("file:odd?mode=memory").close();
      expect(existsSync(join(scratch.path, "file:odd?mode=memory"))).toBe(true);
    } finally {
      process.chdir(before);
    }
  },
);

test("every in-memory database is separate, and not durable", async () => {
  const [a, b] = [sqliteStore(":memory:"), sqliteStore(":memory:")];
  expect([a.durable, b.durable]).toEqual([false, false]);
  await a.close();
  await b.close();
  expect(existsSync(":memory:")).toBe(false);
  const store = sqliteStore(scratch.newFile());
  expect(store.durable).toBe(true);
  await store.close();
});

test.runIf(process.platform === "linux")(
  "a log that cannot be synced is refused, and leaves no descriptor open",
  () => {
    const before = readdirSync("/dev/fd");
    expect(() => new WalFile("/dev/null")).toThrow("fsync");
    expect(readdirSync("/dev/fd")).toEqual(before);
  },
);

test("opening a log rewrites it, since the system may believe written what never reached the disk", () => {
  const path = scratch.newFile();
  const content = Buffer.alloc(2 * 1024 * 1024 + 17, "what a commit wrote, ");
  writeFileSync(path, content);
  utimesSync(path, 1, 1);
  new WalFile(path).close();
  expect(statSync(path).mtimeMs).toBeGreaterThan(1000);
  expect(readFileSync(path).equals(content)).toBe(true);
});

test("no checkpoint is made before the log is on the disk; afterwards checkpoints are made", async () => {
  const path = scratch.newFile();
  const database = new DatabaseSync(path);
  const pages = (): number =>
    Number(database.prepare("PRAGMA wal_autocheckpoint").get()?.["wal_autocheckpoint"]);
  const connection = openDatabase(
    path,
    () => database,
    (wal) => {
      expect(pages()).toBe(0);
      return new WalFile(wal);
    },
  );
  const store = storeOn(connection);
  await store.sessions.forget(newSessionId());
  expect(pages()).toBe(1000);
  await store.close();
});

test("a log that cannot be closed does not lock the file for others", async () => {
  const path = scratch.newFile();
  const close = () => {
    throw new Error("EIO");
  };
  const connection = openDatabase(path, undefined, () => ({ sync: async () => {}, close }));
  expect(() => connection.close()).toThrow("EIO");
  await sqliteStore(path).close();
});

test("a limit that is not a positive number is refused by name, before a file is created", () => {
  const path = scratch.newFile();
  expect(() => sqliteStore(path, { totalLogCharacters: -1 })).toThrow(/totalLogCharacters .* zero/);
  expect(() => sqliteStore(path, { logLimits: { characters: 0 } })).toThrow(/characters .* zero/);
  expect(existsSync(path)).toBe(false);
});

test.each([
  [{ logLimits: { record: 5 } }, "logLimits: record is not one of its options"],
  [{ logLimits: { records: "5" } }, "logLimits: records must be a number above zero"],
  [{ logLimits: null }, "logLimits must be an object"],
  [{ totalLogCharacter: 5 }, "totalLogCharacter is not one of its options"],
])("an invalid limit is refused before a file is created: %j", (options, message) => {
  const path = scratch.newFile();
  expect(() => sqliteStore(path, options as never)).toThrow(message);
  expect(existsSync(path)).toBe(false);
});

test("an undefined limit has its default", () => {
  expect(readLogLimits({ records: undefined })).toEqual(DEFAULT_LOG_LIMITS);
});

test.each([[undefined], [""], [null], [{ path: "arcp.db" }]])(
  "%j is not a path of a store",
  (path) => {
    expect(() => sqliteStore(path as never)).toThrow(
      expect.objectContaining({ code: "MISUSE", message: expect.stringContaining('"arcp.db"') }),
    );
  },
);
