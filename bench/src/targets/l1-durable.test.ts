import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Child } from "../child.ts";
import { LoadClient } from "../load-client.ts";
import { Scratch } from "../scratch.ts";
import type { ServerCalls } from "../server.ts";
import { STEPPER } from "./agents.ts";

test("each submit is two rows in a write-ahead log", async () => {
  using scratch = new Scratch();
  const { directory } = scratch;
  {
    await using server = new Child<ServerCalls>("./server.ts", undefined);
    const url = await server.call("start", { target: "L1-durable", directory });
    const client = await LoadClient.open(url);
    for (let i = 0; i < 3; i++) await client.run(STEPPER, { events: 0 });
  }
  const database = new DatabaseSync(join(directory, "l1.db"));
  expect(database.prepare("SELECT count(*) AS rows FROM rows").get()).toEqual({ rows: 6 });
  expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  database.close();
});
