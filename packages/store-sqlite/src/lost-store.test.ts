import { setImmediate as turn } from "node:timers/promises";
import { type Client, type ConnectionState, connect } from "@arcp/client";
import { type Dial, type JobId, linkedPair } from "@arcp/core";
import { createRuntime, defineAgent, type Runtime, tokenTable } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { pino } from "pino";
import { afterAll, expect, test } from "vitest";
import { HeldFile } from "../test/held-file.ts";
import { Scratch } from "../test/scratch.ts";
import { openDatabase } from "./database-file.ts";
import { sqliteStore, storeOn } from "./sqlite-store.ts";

const scratch = new Scratch();
afterAll(() => scratch[Symbol.dispose]());

/**
 * Agents whose first attempt emits an event on `go` and then waits for its end; `again` may be run again, and then
 * succeeds on `finish`.
 */
function talkers() {
  const [go, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun: string[] = [];
  const agents = ["once", "again"].map((name) =>
    defineAgent({
      name,
      attempts: name === "again" ? 2 : 1,
      async run(ctx) {
        begun.push(name);
        if (ctx.attempt === 2) return finish.promise.then(() => "by another process");
        await go.promise;
        await ctx.log.info("one more");
        return new Promise((_, reject) => {
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        });
      },
    }),
  );
  const host = (store: Store): Runtime =>
    createRuntime({
      agents,
      auth: tokenTable({ secret: "alice" }),
      logger: pino({ level: "silent" }),
      store,
    });
  return { host, begun, go: () => go.resolve(), finish: () => finish.resolve() };
}

/** Dials whichever runtime is current. */
function dialTo(current: () => Runtime): Dial {
  return async () => {
    const pair = linkedPair();
    current().serve(pair.runtime);
    return pair.client;
  };
}

async function become(client: Client, kind: ConnectionState["kind"]): Promise<ConnectionState> {
  for await (const state of client.states) if (state.kind === kind) return state;
  throw new Error(`closed before it was ${kind}`);
}

test("R-6.3-20, R-7.3-10: when the disk fails for good, clients go on with the next process, and every result settles", async () => {
  const disk = new HeldFile();
  disk.free();
  const path = scratch.newFile();
  const { host, begun, go, finish } = talkers();
  let runtime = host(storeOn(openDatabase(path, undefined, () => disk)));
  const dial = dialTo(() => runtime);
  await using owner = await connect(dial, { token: "secret" });
  await using watcher = await connect(dial, { token: "secret" });
  const [once, again] = [await owner.submit("once"), await owner.submit("again")];
  const watched = await watcher.subscribe(again.id);
  while (begun.length < 2) await turn();

  disk.hang();
  go();
  while (disk.held === 0) await turn();
  disk.fail(new Error("EIO: i/o error, fdatasync"));
  const failure = await runtime.failed;
  expect(failure).toMatchObject({
    code: "CLOSED",
    message: expect.stringContaining("EIO: i/o error, fdatasync"),
  });
  const refused = {
    code: "INTERNAL_ERROR",
    message: "the runtime has lost its store and serves nobody until it is started again",
    retryable: true,
    details: { reason: "store_lost" },
  };
  await expect(connect(dial, { token: "secret" })).rejects.toMatchObject(refused);
  expect(await become(owner, "retrying")).toMatchObject({ error: refused });
  const { id } = owner.session;

  // // What its host then does.
  await runtime.close();
  runtime = host(sqliteStore(path));
  finish();
  await expect(once.result()).rejects.toMatchObject({
    code: "INTERNAL_ERROR",
    message: "the runtime stopped while the job was running",
  });
  expect(await again.result()).toBe("by another process");
  expect(await watched.result()).toBe("by another process");
  expect(owner.session.id).toBe(id);
  await runtime.close();
});

test.each(["comes to that one", "comes back to the first one"])(
  "J1: when another runtime has taken the file over, a client that %s still gets the result",
  async (way) => {
    // // In one process, since two cannot have the file open.
    const store = sqliteStore(scratch.newFile());
    const { host, go, finish } = talkers();
    const first = host(store);
    let runtime = first;
    await using client = await connect(
      dialTo(() => runtime),
      { token: "secret" },
    );
    const [once, again] = [await client.submit("once"), await client.submit("again")];
    const told = async (count: number): Promise<void> => {
      const limits = { records: 0, characters: 0 };
      for (const { id } of [once, again]) {
        while ((await store.logs.read(id as JobId, 0, limits)).head < count) await turn();
      }
    };
    // // The first one's records must be in the file, or both would append to one log at the same time.
    await told(1);
    const second = host(store);
    await told(2);
    if (way === "comes to that one") runtime = second;
    const sentAway = become(client, "retrying");
    go();
    expect(await sentAway).toMatchObject({
      error: { code: "INTERNAL_ERROR", details: { reason: "job_taken_over" } },
    });
    finish();
    await expect(once.result()).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
    expect(await again.result()).toBe("by another process");
    for (const one of [first, second]) await one.close();
  },
);
