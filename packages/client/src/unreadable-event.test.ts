import { expect, test } from "vitest";
import { ForeignRuntime, type ForeignWire, go, type Sdk, sdks } from "../test/foreign-runtime.ts";
import { expectNoUnhandledRejections } from "../test/no-unhandled-rejections.ts";
import { accepted, collect, event, result, ScriptedRuntime } from "../test/scripted-runtime.ts";

expectNoUnhandledRejections();

async function running(sdk: Sdk) {
  const runtime = new ForeignRuntime(sdk);
  const { client, wire, job } = await runtime.running();
  const seen: unknown[] = [];
  const read = (async () => {
    for await (const { seq } of job.events) seen.push(seq);
  })();
  read.catch(() => {});
  return { runtime, client, wire, job, seen, read };
}

/** Where numbers may be swapped, a missing one is given time. */
async function missing(runtime: ForeignRuntime, wire: ForeignWire, sdk: Sdk): Promise<void> {
  if (sdk !== go) return;
  await wire.barrier();
  runtime.clock.advance(1_000);
}

const violation = (why: string) => ({
  name: "LocalError",
  code: "PROTOCOL_VIOLATION",
  message: expect.stringContaining(why),
});

/** Frames whose text shows their number, and why nothing more of them can be read. */
const unreadable: readonly [string, (whole: string) => string, string][] = [
  ["is cut off", (whole) => whole.slice(0, -2), "not valid JSON"],
  ["has a word of somebody else before it", (whole) => `Loading... ${whole}`, "not valid JSON"],
  ["has an id that is none", (whole) => whole.replace(/"id":"[^"]*"/, '"id":7'), "id"],
  ["has its number as text", (whole) => whole.replace(/("event_seq"):(\d+)/, '$1 : "$2"'), "seq"],
  ["nests too deep", (whole) => whole.replace('"p"', "[".repeat(200) + "]".repeat(200)), "deeper"],
];

test.each(sdks.flatMap((sdk) => unreadable.map((row) => [sdk.name, ...row, sdk] as const)))(
  "%s: an event that is due and %s ends the client",
  async (_name, _what, spoil, why, sdk) => {
    const { runtime, client, wire, job, seen, read } = await running(sdk);
    const asked = client.subscribe("job_2");
    await wire.next("job.subscribe");
    wire.event(1, "job_1", "readable");
    wire.connection.send(spoil(wire.eventFrame(2, "job_1", "p")));
    await expect(job.result()).rejects.toMatchObject(violation(why));
    await expect(asked).rejects.toMatchObject(violation(why));
    await expect(read).rejects.toMatchObject(violation(why));
    expect(seen).toEqual([1]);
    expect(client.state).toMatchObject({ kind: "closed", error: violation(why) });
    await wire.connection.closed();
    expect(runtime.dialled).toBe(1);
  },
);

test.each(sdks.map((sdk) => [sdk.name, sdk] as const))(
  "%s: an event that cannot be read and whose number is then missing ends the client",
  async (_name, sdk) => {
    const { runtime, client, wire, job } = await running(sdk);
    wire.event(1, "job_1", "readable");
    wire.connection.send('{"arcp":"1.1","id":"m","type":"job.eve');
    wire.event(3, "job_1", "behind it");
    await missing(runtime, wire, sdk);
    await expect(job.result()).rejects.toMatchObject(violation("not valid JSON"));
    expect(client.state.kind).toBe("closed");
    expect(runtime.dialled).toBe(1);
  },
);

test.each(sdks.map((sdk) => [sdk.name, sdk] as const))(
  "%s: an unreadable frame that was already delivered, or is no event, does no harm",
  async (_name, sdk) => {
    const { runtime, client, wire, job } = await running(sdk);
    wire.event(1, "job_1", "readable");
    wire.connection.send(wire.eventFrame(1, "job_1", "p").slice(0, -2), "Loading...", "[]");
    wire.event(2, "job_1", "on");
    await wire.barrier();
    expect(client.state.kind).toBe("online");
    // A number that is missing after them has nothing to do with them.
    wire.event(4, "job_1", "too far");
    await missing(runtime, wire, sdk);
    const again = await runtime.again(client);
    await again.next("session.hello");
    again.welcome("rt_2");
    again.event(3, "job_1", "here");
    again.event(4, "job_1", "too far");
    again.result(5, "job_1");
    expect(await job.result()).toBe("job_1");
    expect((await collect(job.events)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  },
);

test("R-8.1-3: an event whose payload is none keeps its place in its job", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const broken = JSON.parse(event(2, "job_1", 2));
  wire.send(event(1), JSON.stringify({ ...broken, payload: "none" }), event(3), result(4, 0));
  await job.outcome();
  const events = await collect(job.events);
  expect(events.map(({ kind, seq, jobSeq }) => [kind, seq, jobSeq])).toEqual([
    ["status", 1, 1],
    ["opaque", 2, 2],
    ["status", 3, 3],
  ]);
  expect(events[1]?.body).toEqual({ payload: "none" });
});
