import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Child } from "../child.ts";
import { LoadClient } from "../load-client.ts";
import { Scratch } from "../scratch.ts";
import type { ServerCalls } from "../server.ts";
import { STEPPER } from "./agents.ts";

test("what it sends is in a write-ahead log in the directory of the run", async () => {
  using scratch = new Scratch();
  await using server = new Child<ServerCalls>("./server.ts", undefined);
  const { directory } = scratch;
  const url = await server.call("start", { target: "runtime-sqlite", directory });
  const written = () => statSync(join(directory, "runtime.db-wal")).size;
  const before = written();
  const client = await LoadClient.open(url);
  await client.run(STEPPER, { events: 500 });
  expect(client.frames).toBe(502);
  expect(written() - before).toBeGreaterThan(500 * 100);
});
