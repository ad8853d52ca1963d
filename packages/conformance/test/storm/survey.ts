import assert from "node:assert/strict";
import type { JobId } from "@arcp/core";
import type { Random } from "../chaos/random.ts";
import type { Frame } from "./frame.ts";
import type { Guest } from "./guest.ts";
import type { Scene } from "./scene.ts";
import { Visit } from "./visit.ts";

const FEATURES = ["subscribe", "agent_versions", "list_jobs", "progress", "result_chunk"];
/** Longer than a runtime waits before it repeats a write. */
const PATIENCE_MS = 10_000;
const NOTHING = { records: 0, characters: 0 };

/**
 * Insists, while nothing fails and nothing is under way, that every request has its answer, and that somebody else is told by
 * a listing how far the owner of a job is, and goes on from a number of the owner's where the owner would (R-6.6-7, R-7.6-5).
 */
export async function survey(scene: Scene, random: Random): Promise<void> {
  const { house } = scene;
  house.trouble(false);
  await scene.calm();
  // What waits for a write that failed waits for it to be repeated.
  for (let ms = 0; ms < PATIENCE_MS && scene.connected.some(isWaiting); ms += 600) {
    await scene.calm();
  }
  for (const { name, waiting } of scene.connected.filter(isWaiting)) {
    assert.fail(`${name} waits for an answer to ${waiting}`);
  }
  const eye = await Eye.open(scene);
  const before = new Map(scene.guests.map((guest) => [guest, numbersOf(guest)]));
  const listed = await eye.list();
  // What a write that was repeated brought meanwhile was numbered before the listing, or behind it.
  for (const guest of scene.connected) guest.note();
  for (const guest of scene.guests) {
    const job = random.oneOf(guest.account.owned);
    const told = job === undefined ? undefined : listed.get(job);
    if (guest.account.last === 0 || job === undefined || told === undefined) continue;
    const row = await house.store.jobs.get(job as JobId);
    if ((row?.submittedIn ?? row?.session) !== guest.session) continue;
    assertPosition(guest, job, before.get(guest)?.get(job) ?? 0, told);
    await eye.follow(guest, job, random.integer(0, guest.account.last));
    scene.tally.translations += 1;
  }
  await eye.close();
  house.trouble(true);
}

const isWaiting = ({ waiting }: Guest): boolean => waiting.length > 0;

/** The last number of each job that it owns. */
function numbersOf({ account }: Guest): ReadonlyMap<string, number> {
  return new Map(account.owned.map((job) => [job, account.lastOf(job)]));
}

/** @param before the number that it had when it was asked for */
function assertPosition(guest: Guest, job: string, before: number, told: number): void {
  const last = guest.account.lastOf(job);
  // To one that is away more may have been sent than came.
  const most = guest.isConnected && !guest.isGone ? last : Number.POSITIVE_INFINITY;
  const what = `R-6.6-7: how far ${guest.name} is with ${job}: ${told} is told, and it had ${before}, and ${last} afterwards`;
  assert.ok(before <= told && told <= most, what);
}

/** A session that looks at everything and is gone soon. */
class Eye {
  readonly #scene: Scene;
  readonly #visit: Visit;

  private constructor(scene: Scene) {
    this.#scene = scene;
    this.#visit = new Visit(scene.house.runtime);
  }

  static async open(scene: Scene): Promise<Eye> {
    const eye = new Eye(scene);
    eye.#visit.send("session.hello", {
      auth: { scheme: "bearer", token: "secret" },
      capabilities: { features: FEATURES },
    });
    await eye.#until(() => eye.#visit.opening !== undefined, "a welcome");
    return eye;
  }

  /** @returns the last number of each job's owner */
  async list(): Promise<ReadonlyMap<string, number>> {
    const { payload } = await this.#ask("session.list_jobs", { limit: 1000 });
    const jobs = payload.jobs as Array<{ job_id: string; last_event_seq: number }>;
    return new Map(jobs.map(({ job_id, last_event_seq }) => [job_id, last_event_seq]));
  }

  /** Follows from a number of the owner's. */
  async follow(owner: Guest, job: string, from: number): Promise<void> {
    const { house } = this.#scene;
    const { floor, head } = await house.store.logs.read(job as JobId, 0, NOTHING);
    const start = this.#visit.frames.length;
    const payload = { job_id: job, history: true, from_event_seq: from };
    const reply = await this.#ask("job.subscribe", payload, job);
    await house.settle();
    assert.equal(reply.type, "job.subscribed", JSON.stringify(reply.payload));
    const came = this.#visit.frames.slice(start);
    const first = came.find(({ job_id, event_seq }) => job_id === job && event_seq !== undefined);
    const reached = owner.account.reachedAt(job, from);
    const next = Math.max(reached, floor) + 1;
    const hasEnded = house.chronicle.hasEnded(job);
    // There is no subscription to a finished job without its end.
    const expected = next <= head ? next : hasEnded ? head : undefined;
    const what = `R-7.6-5: ${job} behind ${from} of ${owner.name}, who had ${reached} then`;
    assert.equal(first?.job_seq, expected, what);
    assert.equal(reply.payload.replayed, next <= head, what);
    this.#visit.send("job.unsubscribe", { job_id: job }, { job_id: job });
    await house.settle(10);
  }

  async close(): Promise<void> {
    this.#visit.send("session.close", {});
    await this.#until(() => this.#visit.isOver, "an end");
  }

  async #ask(type: string, payload: object, job?: string): Promise<Frame> {
    const id = this.#visit.send(type, payload, job === undefined ? {} : { job_id: job });
    await this.#until(() => this.#visit.reply(id) !== undefined, `an answer to ${type}`);
    return this.#visit.reply(id) as Frame;
  }

  /** A write that failed until now may be repeated meanwhile. */
  async #until(holds: () => boolean, what: string): Promise<void> {
    const { house } = this.#scene;
    for (let ms = 0; ms < PATIENCE_MS && !(await house.until(holds, 100)); ms += 100) {
      house.clock.advance(100);
    }
    assert.ok(holds(), `somebody else waits for ${what}`);
  }
}
