import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { defineAgent } from "./agents/agent.ts";

/** Clients of one principal, and an agent each of whose inputs is checked until the test lets it pass. */
async function crowd(count: number) {
  const checks: PromiseWithResolvers<void>[] = [];
  const hanging = defineAgent({
    name: "hanging",
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        async validate(value) {
          const check = Promise.withResolvers<void>();
          checks.push(check);
          await check.promise;
          return { value };
        },
      },
    },
    run: () => null,
  });
  const limits = { requestCharactersPerPrincipal: 1000 };
  const rig = hosting({ agents: [hanging], limits });
  const viewers = Array.from({ length: count }, () => new Viewer(rig.runtime));
  for (const viewer of viewers) await viewer.hello();
  const submits: Promise<string>[] = [];
  for (const viewer of viewers) {
    const input = "x".repeat(2000);
    submits.push(viewer.submit("hanging", input).then(({ type }) => type));
    await settled();
  }
  return { ...rig, viewers, checks, submits };
}

test("R-14-2: of the sessions that wait for room, one goes on and the others wait further, none is refused", async () => {
  const { checks, submits } = await crowd(4);
  for (let i = 0; i < 4; i++) {
    expect(checks).toHaveLength(i + 1);
    checks[i]?.resolve();
    await settled();
  }
  const types = await Promise.all(submits);
  expect(types).toEqual(Array.from({ length: 4 }, () => "job.accepted"));
});

test("R-14-2, R-4-2: however often room was made for others, a session waits for a second altogether", async () => {
  const { checks, submits, clock } = await crowd(4);
  clock.advance(600);
  await settled();
  checks[0]?.resolve();
  await settled();
  expect(checks).toHaveLength(2);
  clock.advance(399);
  await settled();
  const refused: number[] = [];
  for (const [i, submit] of submits.entries()) {
    void submit.then((type) => type === "session.error" && refused.push(i));
  }
  await settled();
  expect(refused).toEqual([]);
  clock.advance(1);
  await settled();
  expect(refused).toEqual([2, 3]);
  checks[1]?.resolve();
  await settled();
  expect(await submits[1]).toBe("job.accepted");
});

test("R-14-2: a session that has waited for room before waits as long the next time", async () => {
  const { viewers, checks, submits, clock } = await crowd(2);
  const [one, two] = viewers;
  checks[0]?.resolve();
  await settled();
  clock.advance(5000);
  checks[1]?.resolve();
  await settled();
  void one?.submit("hanging", "x".repeat(2000));
  await settled();
  const again = two?.submit("hanging", "x".repeat(2000));
  await settled();
  clock.advance(999);
  await settled();
  checks[2]?.resolve();
  await settled();
  checks[3]?.resolve();
  expect((await again)?.type).toBe("job.accepted");
  expect(await Promise.all(submits)).toEqual(["job.accepted", "job.accepted"]);
});
