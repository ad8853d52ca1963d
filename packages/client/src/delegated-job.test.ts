import { defineAgent } from "@arcp/runtime";
import { expect, test } from "vitest";
import { Hosted } from "../test/hosted.ts";
import { collect } from "../test/scripted-runtime.ts";

const worker = defineAgent({
  name: "worker",
  run: async (ctx, input) => {
    await ctx.log.info(`works on ${input}`);
    return `done with ${input}`;
  },
});
const sleeper = defineAgent({
  name: "sleeper",
  run: ({ signal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
});
const lead = defineAgent({
  name: "lead",
  run: async (ctx, input: unknown) => {
    const child = await ctx.delegate(String(input), 7);
    return child.result().then(
      () => "success",
      ({ code }) => code,
    );
  },
});

async function delegating(house: Hosted, agent: string) {
  const client = await house.connect();
  const lease = { "agent.delegate": ["*"] };
  const job = await client.submit<string>("lead", agent, { lease });
  for await (const event of job.events) {
    const child = event.kind === "delegate" ? event.body.child_job_id : undefined;
    if (child !== undefined) return { client, job, child: await client.job<string>(child) };
  }
  throw new Error("nothing was delegated");
}

test("R-10-4: a delegated job is followed like any other, from its first event", async () => {
  await using house = new Hosted({ agents: [lead, worker] });
  const { job, child } = await delegating(house, "worker");
  expect(await child.result()).toBe("done with 7");
  expect((await collect(child.events)).map(({ kind }) => kind)).toEqual(["status", "log"]);
  expect(await job.result()).toBe("success");
  expect(child.subscribed.parent_job_id).toBe(job.id);
});

test("R-7.4-7: the owner of a job may cancel what it delegated, which leaves the job alone", async () => {
  await using house = new Hosted({ agents: [lead, sleeper] });
  const { job, child } = await delegating(house, "sleeper");
  house.sever();
  await child.cancel("not needed");
  await expect(child.result()).rejects.toMatchObject({ code: "CANCELLED" });
  expect(await job.result()).toBe("CANCELLED");
});
