import { DatabaseSync } from "node:sqlite";
import { newJobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { sqliteStore } from "./sqlite-store.ts";

const ALL = { records: 100, characters: 100_000 };
const RECORDS = ["one", "two", "three", "four"].map((text) => ({ kind: "event", text }) as const);

/** A file with two logs, of which the first one loses a record. */
async function damaged(file: string, seq: number) {
  const [hurt, whole] = [newJobId(), newJobId()];
  const store = sqliteStore(file);
  await store.logs.append([hurt, whole].map((job) => ({ job, after: 0, records: RECORDS })));
  await store.close();
  const database = new DatabaseSync(file);
  database
    .prepare("DELETE FROM records WHERE place = ((SELECT key FROM logs WHERE job = ?) << 32) + ?")
    .run(hurt, seq);
  database.close();
  return { hurt, whole };
}

test.each([2, 4])(
  "P3: record %d of four is missing in a damaged file: it is neither passed over nor waited for",
  async (seq) => {
    using scratch = new Scratch();
    const file = scratch.newFile();
    const { hurt, whole } = await damaged(file, seq);
    const { logs, close } = sqliteStore(file);
    await expect(logs.read(hurt, 0, ALL)).rejects.toThrow(
      `the store's file is damaged: record ${seq} of ${hurt} is missing; restore the file from a backup`,
    );
    const before = await logs.read(hurt, 0, { ...ALL, records: seq - 1 });
    expect(before.records).toEqual(RECORDS.slice(0, seq - 1));
    expect((await logs.read(whole, 0, ALL)).records).toEqual(RECORDS);
    await close();
  },
);

/** The first one whatever its size, and more while there is room. */
function within<T extends { readonly text: string }>(records: readonly T[], characters: number) {
  let size = 0;
  return records.filter(({ text }, i) => {
    size += text.length;
    return i === 0 || size <= characters;
  });
}

test("whole logs are read from anywhere and in any portion", async () => {
  using scratch = new Scratch();
  const { logs, close } = sqliteStore(scratch.newFile(), { logLimits: { records: 3 } });
  const job = newJobId();
  await logs.append([{ job, after: 0, records: RECORDS }]);
  for (let after = 0; after <= 6; after++) {
    for (const records of [0, 1, 2, 3, 100]) {
      for (const characters of [0, 4, 5, 100]) {
        const page = await logs.read(job, after, { records, characters });
        const kept = RECORDS.slice(Math.max(after, 1)).slice(0, records);
        expect(page).toEqual({ floor: 1, head: 4, records: within(kept, characters) });
      }
    }
  }
  await close();
});
