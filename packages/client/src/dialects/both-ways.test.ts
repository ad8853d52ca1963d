import { type Dial, REQUEST_ID_FEATURE } from "@arcp/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Hosted, numbers, reachedNumber, upTo } from "../../test/hosted.ts";
import { collect } from "../../test/scripted-runtime.ts";
import { type Client, connect } from "../index.ts";

/**
 * Our runtime answers as the clients of the SDKs expect, and our client, without the mark, takes it for a stranger's. Each derives
 * its forms from the same tables independently.
 */
describe.each(["draft", "typescript", "java", "go", "csharp"] as const)("as %s", (profile) => {
  let hosted: Hosted;
  let client: Client;
  beforeEach(async () => {
    hosted = new Hosted({ policy: { dialect: () => profile } });
    client = await connect(unmarked(hosted.dial), { token: "secret" });
    expect(client.session.features).not.toContain(REQUEST_ID_FEATURE);
  });
  afterEach(async () => {
    await client.close();
    await hosted[Symbol.asyncDispose]();
  });

  test("R-D-7, R-D-8: submits at once, accepted and rejected, each get their own reply", async () => {
    const agents = Array.from({ length: 20 }, (_, n) => (n % 3 === 0 ? "nobody" : "counting"));
    const submitting = agents.map((agent) => client.submit(agent));
    hosted.counting.upTo(2);
    hosted.counting.end();
    const ends = await Promise.allSettled(submitting.map(async (job) => (await job).result()));
    for (const [n, end] of ends.entries()) {
      if (n % 3 === 0) expect(end).toMatchObject({ reason: { code: "AGENT_NOT_AVAILABLE" } });
      else expect(end).toMatchObject({ value: 2 });
    }
  });

  test("R-6.3-2, R-8.3-1: a job goes on over lost connections", async () => {
    const job = await client.submit("counting");
    for (const n of [3, 6, 9]) {
      hosted.counting.upTo(n);
      await reachedNumber(job.events, n);
      hosted.sever();
    }
    hosted.counting.end();
    expect(await job.result()).toBe(9);
    expect(numbers(await collect(job.events))).toEqual(upTo(9));
  });

  test("R-7.4-1, R-D-9: a cancel, a listing and a refused subscription work beside running jobs", async () => {
    const job = await client.submit("counting");
    const other = await client.submit("counting");
    const listed = await collect(client.jobs());
    expect(listed.map(({ id }) => id).sort()).toEqual([job.id, other.id].sort());
    if (profile !== "csharp") {
      // C# gets no answer to this one while jobs run.
      await expect(client.subscribe("job_none")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    }
    await Promise.all([job.cancel("first"), job.cancel("second")]);
    await expect(job.result()).rejects.toMatchObject({ code: "CANCELLED" });
    hosted.counting.end();
    expect(await other.result()).toBe(0);
  });

  test("R-7.6-5: the history of a finished job is replayed", async () => {
    const job = await client.submit("counting");
    hosted.counting.upTo(4);
    hosted.counting.end();
    await job.result();
    const watched = await client.subscribe(job.id, { history: true });
    expect(await watched.result()).toBe(4);
    expect(numbers(await collect(watched.events))).toEqual(upTo(4));
  });
});

/** Hides whose client it is. */
function unmarked(dial: Dial): Dial {
  return async (signal) => {
    const transport = await dial(signal);
    return {
      frames: transport.frames,
      send: (frames) =>
        transport.send(frames.map((frame) => frame.replaceAll(`,"${REQUEST_ID_FEATURE}"`, ""))),
      close: (reason) => transport.close(reason),
    };
  };
}
