import assert from "node:assert/strict";
import { ManualClock } from "@arcp/core";
import { pino } from "pino";
import { tokenTable } from "../../src/auth.ts";
import { createRuntime, type Runtime } from "../../src/runtime.ts";
import { memoryStore } from "../../src/store/memory-store.ts";
import { chronicle } from "../chronicle.ts";
import { settled } from "../held-store.ts";
import type { Frame } from "../viewer.ts";
import { hostile } from "./hostile-observer.ts";
import { PersistentClient } from "./persistent-client.ts";
import { Random } from "./random.ts";
import { LEASE, restless } from "./restless-agent.ts";
import { Trouble } from "./trouble.ts";

/** What happened, in total. */
export interface FaultTally {
  readonly submits: number;
  readonly jobs: number;
  readonly drops: number;
  /** Jobs whose end nobody knew for a while, because the store failed for too long. */
  readonly lost: number;
}

const STEPS = 50;

/**
 * A client submits, repeats, cancels and drops, agents do whatever agents do, the store fails and the observer misbehaves, as
 * the seed has it. The guarantees still hold:
 *
 * - every request has its answer, submits in their order, and a repeated submit the same one (R-5.4-4, R-5.4-5, R-5.4-8);
 * - the stream has every record of each job once, in order, its end last, and the job is known to have ended so (J1, J3, P1);
 * - nothing hangs, not even a job that the store refused for too long, and the observer is told once how each job ended (O1, O2).
 *
 * @throws AssertionError when one of these does not hold
 */
export async function playFaults(seed: number): Promise<FaultTally> {
  const random = new Random(seed);
  const percent = random.hits(70) ? random.below(55) : 0;
  const clock = new ManualClock();
  const store = memoryStore();
  const trouble = new Trouble(random, percent);
  trouble.meets(store.logs, "append");
  trouble.meets(store.jobs, "update");
  const told = chronicle();
  const runtime = createRuntime({
    agents: [restless],
    auth: tokenTable({ secret: "alice" }),
    store,
    clock,
    observer: random.hits(50) ? hostile(told.observer, random) : told.observer,
    logger: pino({ level: "silent" }),
    tools: { t: () => settled(1).then(() => 1) },
  });
  const pass = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      clock.advance(100);
      await settled(1);
    }
  };
  const client = new PersistentClient(runtime);
  await client.greet();
  const mayDrop = random.hits(50);
  for (let step = 0; step < STEPS; step++) await act(client, random, clock, mayDrop);
  // By now, everything that is retried has been given up.
  await pass(300);
  await endAll(runtime, pass);
  // By now, what the store refused is stored.
  trouble.end();
  await pass(60);

  const lost = new Set(
    told.jobs
      .filter(({ outcomes }) => outcomes[0]?.status === "lost")
      .map(({ attempt }) => attempt.id),
  );
  if (percent === 0) assert.equal(lost.size, 0, "a job was lost though nothing failed");
  checkAnswers(client);
  const jobs = checkStream(client.stream);
  for await (const { id, status } of runtime.jobs.list()) {
    assert.ok(!["pending", "running"].includes(status), `${id} hangs as ${status}`);
    const end = jobs.get(id);
    if (end !== undefined) assert.equal(status, end, `${id} is known to have ended as was told`);
  }
  const closed = runtime.close();
  await pass(100);
  await closed;
  for (const { attempt, outcomes, operations } of told.jobs) {
    assert.equal(outcomes.length, 1, `O2: how often it was told that ${attempt.id} ended`);
    for (const one of operations) assert.ok(one.outcomes.length <= 1, "O2: an operation ends once");
  }
  const { submits, drops } = client;
  return { submits: submits.length, jobs: jobs.size, drops, lost: lost.size };
}

async function act(
  client: PersistentClient,
  random: Random,
  clock: ManualClock,
  mayDrop: boolean,
): Promise<void> {
  const deed = random.below(100);
  if (deed < 35) {
    client.submit({
      agent: random.hits(10) ? "nobody" : "restless",
      input: { seed: random.below(2 ** 31), depth: 0 },
      lease_request: LEASE,
      ...(random.hits(30) && { idempotency_key: `k${random.below(4)}` }),
      ...(random.hits(20) && { max_runtime_sec: 1 }),
    });
  } else if (deed < 50) {
    const id = random.oneOf(client.submits);
    if (id !== undefined) client.repeat(id);
  } else if (deed < 65) {
    const job = random.oneOf(client.frames.filter(({ type }) => type === "job.accepted"))?.job_id;
    if (job !== undefined) client.cancel(job);
  } else if (deed < 70 && mayDrop) await client.drop(() => settled(random.below(4)));
  else if (deed < 85) clock.advance(random.below(200));
  else await settled(random.below(10));
}

/** Some agents end only when told to. */
async function endAll(runtime: Runtime, pass: (times: number) => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const cancelled = runtime.jobs.cancelAll().catch(() => -1);
    // Three things may each need all their retries, one after the other: the cancel, the end, and the index entry for it.
    await pass(200);
    if ((await cancelled) === 0) return;
  }
}

function checkAnswers(client: PersistentClient): void {
  const { answers, sent, submits, drops } = client;
  const asked = (frames: readonly Frame[]) => frames.map(({ payload }) => payload.request_id);
  if (drops === 0) assert.deepEqual(asked(answers), sent, "R-5.4-5: one answer each, in order");
  for (const id of submits) {
    const own = answers.filter(({ payload }) => payload.request_id === id);
    assert.ok(own.length > 0, `R-5.4-4: ${id} has no answer`);
    const said = new Set(own.map(({ job_id, payload }) => job_id ?? payload.code));
    assert.equal(said.size, 1, `R-5.4-8: ${id} was answered by ${[...said].join(" and ")}`);
  }
  for (const id of client.cancels) {
    assert.equal(client.repliesTo(id), 1, `R-5.4-4: the answers to cancel ${id}`);
  }
}

/** @returns how each finished job ended */
function checkStream(stream: readonly Frame[]): ReadonlyMap<string, string> {
  const dense = (numbers: readonly unknown[], what: string) =>
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
      what,
    );
  dense(
    stream.map(({ event_seq }) => event_seq),
    "P1: the numbers of the session",
  );
  const ends = new Map<string, string>();
  for (const [job = "", frames] of Map.groupBy(stream, ({ job_id }) => job_id)) {
    dense(
      frames.map(({ job_seq }) => job_seq),
      `J1: the numbers of ${job}`,
    );
    const terminal = frames.findIndex(({ type }) => type !== "job.event");
    if (terminal === -1) continue;
    assert.equal(terminal, frames.length - 1, `J3: ${job} has one end, and it is the last`);
    ends.set(job, frames[terminal]?.payload.final_status);
  }
  return ends;
}
