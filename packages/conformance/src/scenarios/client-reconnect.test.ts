import { type Client, connect, type JobEvent } from "@arcp/client";
import { type Clock, systemClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { describe, expect, test } from "vitest";
import { Relay } from "../../test/relay.ts";
import { type StoreName, shelves, stores } from "../../test/shelf.ts";

const EVENTS = 5_000;
const COUNT = "x-vendor.acme.count";
const CUTS = 20;

/** From here on a wait is for a reply, however long that takes: some of them come after twenty cuts. */
const LONG = 5_000;

/** The client's own time: it really waits a tenth of what it believes between two attempts. */
const brisk: Clock = {
  ...systemClock,
  after: (ms, fire) => systemClock.after(ms < LONG ? ms / 10 : ms, fire),
};

/** The same numbers for the same seed, so that a failure can be reproduced. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A runtime behind a network that breaks the first connections after some bytes each, and then holds. */
async function unsteady(store: StoreName, seed: number, cuts = CUTS) {
  const shelf = shelves[store]();
  const next = random(seed);
  let connections = 0;
  let produced = 0;
  let allowed = EVENTS;
  let go = Promise.withResolvers<void>();
  const started = new Map<unknown, number>();
  const agents = [
    defineAgent({
      name: "counter",
      async run(ctx, id: number) {
        started.set(id, (started.get(id) ?? 0) + 1);
        for (let i = 0; i < EVENTS; i++) {
          while (i >= allowed) await go.promise;
          await ctx.emit(COUNT, { i });
          produced += 1;
        }
        return id;
      },
    }),
    defineAgent({
      name: "brief",
      run(_ctx, id: number) {
        started.set(id, (started.get(id) ?? 0) + 1);
        return id;
      },
    }),
    defineAgent({
      name: "writer",
      async run(ctx) {
        for (let i = 0; i < 400; i++) await ctx.result.write(`${i},`.repeat(500));
      },
    }),
  ];
  const runtime = createRuntime({
    agents,
    auth: tokenTable({ secret: "alice" }),
    store: shelf.open(),
  });
  const server = await listen({ port: 0 }, runtime.serve);
  const relay = await Relay.to(Number(new URL(server.url).port), () => {
    connections += 1;
    // Most are cut somewhere in the stream, some within the handshake.
    if (connections === 1 || connections > cuts + 1) return connections === 1 ? 30_000 : Infinity;
    return connections % 7 === 0 ? next() * 900 : 2_000 + next() * 70_000;
  });
  return {
    relay,
    started,
    produced: () => produced,
    connections: () => connections,
    allow(count: number) {
      allowed = count;
      go.resolve();
      go = Promise.withResolvers<void>();
    },
    connect: (): Promise<Client> => connect(dial(relay.url), { token: "secret", clock: brisk }),
    async [Symbol.asyncDispose]() {
      relay.close();
      await runtime.close();
      await server.close();
      shelf[Symbol.dispose]();
    },
  };
}

function checked(events: readonly JobEvent[]): void {
  const counted = events.flatMap((e) => (e.kind === COUNT ? [e.body["i"]] : []));
  expect(counted).toEqual(Array.from({ length: EVENTS }, (_, i) => i));
  // A notice that the client lags belongs to the session, and is no record of the job (R-7.6-11).
  const records = events.filter(({ jobSeq }) => jobSeq !== undefined);
  expect(records.map(({ jobSeq }) => jobSeq)).toEqual(records.map((_, i) => i + 1));
  expect(events.map(({ seq }) => seq)).toEqual(
    events.map(({ seq }, i) => (events[0]?.seq ?? seq) + i),
  );
}

async function collect(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const all: JobEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe.each(stores)("the client over a network that breaks, on %s", (store) => {
  test.concurrent("R-6.3-8 and R-8.3-3: through twenty cuts the events of a job arrive whole, once and in order", async () => {
    await using net = await unsteady(store, 7);
    await using client = await net.connect();
    const job = await client.submit("counter", 1);
    const early = collect(job.events);
    expect(await job.result()).toBe(1);
    checked(await early);
    // A later reader gets the same.
    checked(await collect(job.events));
    expect(net.connections()).toBeGreaterThan(CUTS);
    expect(net.started.get(1)).toBe(1);
  });

  test.concurrent("R-6.3-12: cuts within live events, and while nothing happens, lose nothing either", async () => {
    await using net = await unsteady(store, 11, 0);
    await using client = await net.connect();
    net.allow(100);
    const job = await client.submit("counter", 2);
    const all: JobEvent[] = [];
    const next = random(3);
    let target = 100;
    for await (const event of job.events) {
      all.push(event);
      if (all.length <= target) continue;
      // Either everything has arrived and nothing is in flight, or the cut comes within the next part.
      target = Math.min(EVENTS, target + 245);
      const idle = next() < 0.5;
      if (idle) net.relay.cut();
      net.allow(target);
      if (!idle) net.relay.cut();
    }
    checked(all);
    expect(net.connections()).toBeGreaterThan(15);
  });

  test.concurrent("R-5.4-8: submits through a breaking network make one job each", async () => {
    await using net = await unsteady(store, 13, 12);
    await using client = await net.connect();
    const ids = Array.from({ length: 24 }, (_, i) => 100 + i);
    const results: unknown[] = [];
    for (const id of ids) {
      if (id % 4 === 0) net.relay.cut();
      const submitting = client.submit("brief", id);
      if (id % 4 === 1) net.relay.cut();
      const job = await submitting;
      if (id % 4 === 2) net.relay.cut();
      results.push(await job.result());
    }
    expect(results).toEqual(ids);
    expect([...net.started.values()]).toEqual(ids.map(() => 1));
  });

  test.concurrent("R-6.3-14: a watcher on the same network also gets all of it, and so does a streamed result", async () => {
    await using net = await unsteady(store, 17);
    await using client = await net.connect();
    await using watcher = await net.connect();
    const job = await client.submit("counter", 3);
    const watched = await watcher.subscribe(job.id, { history: true });
    const streamed = await client.submit("writer");
    const [mine, theirs, text] = await Promise.all([
      collect(job.events),
      collect(watched.events),
      streamed.text(),
    ]);
    const counted = (events: JobEvent[]) =>
      events.flatMap((e) => (e.kind === COUNT ? [e.body["i"]] : []));
    expect(counted(mine)).toEqual(Array.from({ length: EVENTS }, (_, i) => i));
    expect(counted(theirs)).toEqual(counted(mine));
    expect(await watched.result()).toBe(3);
    expect(text).toBe(Array.from({ length: 400 }, (_, i) => `${i},`.repeat(500)).join(""));
  });
});
