import assert from "node:assert/strict";
import type { SessionId } from "@arcp/core";
import type { JobRow } from "@arcp/runtime/store";
import type { Random } from "../chaos/random.ts";
import type { Guest } from "./guest.ts";
import type { Scene } from "./scene.ts";
import { survey } from "./survey.ts";

/** Times that everybody comes back and jobs return, since those that end may have others behind them. */
const ROUNDS = 8;
/** Longer than a runtime waits before it removes what it could not. */
const REMOVAL_MS = 11_000;

/** Nothing fails any more, everybody comes back, and every job ends: then everybody has to have everything. */
export async function reckon(scene: Scene, random: Random): Promise<void> {
  const { house } = scene;
  house.trouble(false);
  await scene.calm();
  for (let round = 0; round < ROUNDS; round++) {
    for (const guest of scene.present) if (!guest.isConnected) await scene.resume(guest, random);
    for (const { end } of house.runs.values()) end("done");
    house.runs.clear();
    await scene.calm();
  }
  // What is removed halfway is nobody's to be told of.
  house.clock.advance(REMOVAL_MS);
  await scene.calm();
  await survey(scene, random);
  for (const guest of scene.connected) await assertServed(scene, guest);
  assert.ok(await house.close(), "the runtime does not close");
  const errors = house.logged.filter((line) => line.includes('"level":"error"'));
  if (!scene.hasTrouble) assert.deepEqual(errors, [], "what the runtime said");
}

async function assertServed(scene: Scene, { session, account, name }: Guest): Promise<void> {
  const { house } = scene;
  const rows = await house.store.jobs.list({ session: session as SessionId, limit: 10_000 });
  for (const row of rows) {
    if (account.owned.includes(row.id)) account.assertWhole(row.id);
    if (account.isToldOf(row.id) || !house.chronicle.hasEnded(row.id)) continue;
    if (!isRecorded(scene, row)) continue;
    if (await isOpen(scene, row)) continue;
    assert.fail(`${name} was never told of ${row.id}, whose parent is ${row.parent}`);
  }
}

/** Whether what led to it, or to one above it, was refused or has no answer: it is there once that is asked for again. */
async function isOpen(scene: Scene, { request: asked, parent }: JobRow): Promise<boolean> {
  const { guests, house } = scene;
  const request: string = asked ?? "";
  if (guests.some(({ refused, waiting }) => refused.has(request) || waiting.includes(request)))
    return true;
  const above = parent && (await house.store.jobs.get(parent));
  return above !== undefined && isOpen(scene, above);
}

/** Whether its parent said that it delegated it, which a crash may have come before. */
function isRecorded({ house }: Scene, { id, parent }: JobRow): boolean {
  if (parent === undefined) return true;
  const records = house.chronicle.of(parent);
  return records.some((record) => record?.kind === "delegate" && record.text.includes(id));
}
