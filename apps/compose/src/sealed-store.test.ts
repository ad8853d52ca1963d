import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missing, type OpenStore, storeContract } from "@arcp/conformance/store";
import { newJobId } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import { sqliteStore } from "@arcp/store-sqlite";
import { afterAll, describe, expect, test } from "vitest";
import { sealedStore } from "./sealed-store.ts";

const directory = mkdtempSync(join(tmpdir(), "arcp-sealed-"));
afterAll(() => rmSync(directory, { recursive: true }));

const key = randomBytes(32);
const paths = new WeakMap<Store, string>();
let files = 0;

function openFile(path: string, withKey = key): Store {
  const store = sealedStore(sqliteStore(path), withKey);
  paths.set(store, path);
  return store;
}

const newFile = (): string => join(directory, `${++files}.db`);

const sealed: OpenStore = {
  open: async () => openFile(newFile()),
  async reopen(store) {
    await store.close();
    return openFile(paths.get(store) ?? "");
  },
};

describe("the store contract", () => {
  for (const storeCase of storeContract) {
    // Its limits count what is sealed, which is longer.
    test.skipIf(missing(storeCase, sealed).length > 0)(storeCase.name, () => storeCase.run(sealed));
  }
});

test("nothing opens with another key, or at another place", async () => {
  const path = newFile();
  const [job, other] = [newJobId(), newJobId()];
  const store = openFile(path);
  const records = [{ kind: "event", text: '"type":"job.event"' }] as const;
  await store.logs.append([{ job, after: 0, records }]);
  await store.close();

  const limits = { records: 1, characters: 1_000 };
  const stolen = openFile(path, randomBytes(32));
  await expect(stolen.logs.read(job, 0, limits)).rejects.toThrow();
  await stolen.close();

  const beneath = sqliteStore(path);
  const moved = await beneath.logs.read(job, 0, limits);
  await beneath.logs.append([{ job: other, after: 0, records: moved.records }]);
  await beneath.close();
  const again = openFile(path);
  expect((await again.logs.read(job, 0, limits)).records).toEqual(records);
  await expect(again.logs.read(other, 0, limits)).rejects.toThrow();
  await again.close();
});
