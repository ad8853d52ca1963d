import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Child } from "../child.ts";
import { LoadClient } from "../load-client.ts";
import { Scratch } from "../scratch.ts";
import type { ServerCalls } from "../server.ts";
import { STEPPER } from "./agents.ts";
import { RAW_FILE } from "./raw-commits.ts";

test.each(["L1-durable", "L1-unheld"] as const)(
  "%s: each submit is two rows in a write-ahead log",
  async (target) => {
    using scratch = new Scratch();
    const { directory } = scratch;
    {
      await using server = new Child<ServerCalls>("./server.ts", undefined);
      const url = await server.call("start", { target, directory });
      const client = await LoadClient.open(url);
      for (let i = 0; i < 3; i++) await client.run(STEPPER, { events: 0 });
    }
    const database = new DatabaseSync(join(directory, RAW_FILE));
    // One of the second server's is to create its log.
    const first = target === "L1-unheld" ? 1 : 0;
    const rows = database.prepare("SELECT count(*) AS rows FROM rows").get();
    expect(rows).toEqual({ rows: first + 6 });
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    database.close();
  },
);
