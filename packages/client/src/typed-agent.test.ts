import { linkedPair } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { expect, expectTypeOf, test } from "vitest";
import { connect, type Job } from "./index.ts";

const audit = defineAgent({
  name: "audit",
  version: "2.0.0",
  run: async (_ctx, { root }: { root: string }) => ({ findings: [`in ${root}`] }),
});
const untyped = defineAgent({ name: "untyped", run: async (_ctx, input) => input });

test("an agent's definition types what goes in and what comes back", async () => {
  const runtime = createRuntime({
    agents: [audit, untyped],
    auth: tokenTable({ secret: "alice" }),
  });
  const { client: near, runtime: far } = linkedPair();
  runtime.serve(far);
  const client = await connect(async () => near, { token: "secret" });

  const auditing = client.agent<typeof audit>("audit@2.0.0");
  expect(auditing.reference).toBe("audit@2.0.0");
  const job = await auditing.submit({ root: "/srv" }, { maxRuntimeSec: 60 });
  expectTypeOf(job).toEqualTypeOf<Job<{ findings: string[] }>>();
  const { findings } = await job.result();
  expectTypeOf(findings).toEqualTypeOf<string[]>();
  expect(findings).toEqual(["in /srv"]);

  // @ts-expect-error the input is another one
  const wrong = auditing.submit({ root: 1 });
  expect(await (await wrong).result()).toEqual({ findings: ["in 1"] });
  const free = await client.agent<typeof untyped>("untyped").submit({ any: "thing" });
  expectTypeOf(await free.result()).toBeUnknown();
  expectTypeOf(await (await client.submit("untyped")).result()).toBeUnknown();
  await client.close();
  await runtime.close();
});
