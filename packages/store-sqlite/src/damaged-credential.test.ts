import { expect, test } from "vitest";
import { damagedHouses, freshSession, UNREADABLE, WITHOUT } from "../test/damaged-house.ts";
import { Viewer } from "../test/viewer.ts";

const { scratch, host, crashed, house } = damagedHouses();

test("R-9.8-6: what an unreadable child spent stays spent, and its credentials are revoked", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  await owner.hello();
  const lease_request = { "cost.budget": ["USD:1"], "agent.delegate": ["once"] };
  const parent = await before.start(owner, "again", { lease_request });
  const child = await parent.ctx.delegate("once", null, { lease: { "cost.budget": ["USD:0.5"] } });
  expect(await before.running(2)).toEqual([parent.id, child.id]);
  const [, work] = before.begun;
  await work?.metric({ name: "cost.search", value: 0.4, unit: "USD" });
  await work?.flush();
  const asked = await before.store.credentials.list();
  const file = await crashed(before, (run) => {
    run(UNREADABLE["what remains"], child.id);
    run(WITHOUT(1), child.id);
  });
  const account = { revoked: [] as string[] };
  const after = host(file, account);
  await freshSession(after);
  expect(await after.running()).toEqual([parent.id]);
  expect(after.begun[0]?.budget.remaining()).toEqual({ USD: "0.6" });
  for (const { alias } of asked) expect(account.revoked).toContain(alias);
});

test("a credential with an unreadable provisioner stays on the operator's list, and everybody is served", async () => {
  const { before } = await house("once");
  const file = await crashed(before, (run) => run("UPDATE credentials SET provisioner = '\"gate'"));
  const after = host(file);
  await freshSession(after);
  const left = await after.runtime.credentials.list();
  expect(left.map(({ state, lastFailure }) => [state, lastFailure])).toEqual(
    left.map(() => ["revoking", "UnknownProvisioner"]),
  );
  expect(left.length).toBeGreaterThan(0);
});
