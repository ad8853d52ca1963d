import { setTimeout as pause } from "node:timers/promises";
import { type Client, connect, type Job, type WatchedJob } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";
import { Victim } from "./victim.ts";

/** Reads a job to its end and asserts that its records come complete, once and in order. */
async function readWhole(job: Job | WatchedJob): Promise<{ events: number; code: string }> {
  let last = 0;
  for await (const { jobSeq } of job.events) {
    // A notice of the session's own has no job_seq.
    if (jobSeq === undefined) continue;
    if (jobSeq !== last + 1) throw new Error(`${job.id}: ${jobSeq} came behind ${last}`);
    last = jobSeq;
  }
  const outcome = await job.outcome();
  return { events: last, code: outcome.status === "success" ? "success" : outcome.error.code };
}

/**
 * Resolves once a job has this many events: on a loaded machine it may not have begun when its kill is due.
 * @throws Error when it ends before
 */
async function begun(job: Job, events: number): Promise<void> {
  for await (const { jobSeq = 0 } of job.events) if (jobSeq >= events) return;
  throw new Error(`${job.id} ended before it had ${events} events`);
}

/**
 * Reads a job that every kill interrupts and every start runs again.
 * @throws Error when a step is skipped, an attempt is not announced, or a cost that was seen is not charged
 * @returns how many events it had
 */
async function readSteps(job: Job, attempts: number): Promise<number> {
  let events = 0;
  let reached = 0;
  let spent = 0;
  const told: string[] = [];
  for await (const { kind, body, jobSeq } of job.events) {
    if (jobSeq === undefined) continue;
    events += 1;
    if (jobSeq !== events) throw new Error(`${job.id}: ${jobSeq} came behind ${events - 1}`);
    const said = body as { message?: string; phase?: string; name?: string };
    if (kind === "metric" && said.name === "cost.step") spent += 1;
    if (kind === "status" && said.phase === "running") told.push(said.message ?? "");
    if (kind !== "log") continue;
    const step = Number(said.message?.replace("step ", ""));
    // What came after the last checkpoint is done again.
    if (step !== reached && step !== reached + 1) throw new Error(`step ${step} behind ${reached}`);
    reached = step;
  }
  const again = Array.from({ length: attempts - 1 }, (_, i) => `attempt ${i + 2}`);
  const unlike = ["", ...again].findIndex((end, i) => told[i]?.endsWith(end) !== true);
  if (unlike !== -1 || told.length !== attempts) throw new Error(`attempts: ${told.join("; ")}`);
  const { USD: left } = (await job.result()) as { USD: string };
  if (Math.round(Number(left) * 1000) !== 1_000_000 - spent) {
    throw new Error(`${spent} steps were paid for, and USD ${left} of 1000 remain`);
  }
  return events;
}

export interface Killed {
  readonly kills: number;
  readonly jobs: number;
  readonly events: number;
  /** Events of the one job that was run again after every kill. */
  readonly eventsOfSurvivor: number;
}

/**
 * Kills the runtime in mid-stream, again and again, under three clients with five jobs and a watcher.
 * @param log told of every kill
 * @throws Error when a client misses or repeats an event, does not come back, or a job has not exactly one end
 */
export async function killRepeatedly(
  file: string,
  kills: number,
  random: () => number,
  log: (line: string) => void = () => {},
): Promise<Killed> {
  const victim = new Victim(file);
  await victim.start();
  const clients: Client[] = [];
  let jobs = 0;
  let events = 0;
  let eventsOfSurvivor = 0;
  try {
    for (let i = 0; i < 3; i++) {
      clients.push(await connect(dial(victim.url), { token: "secret" }));
    }
    const survivor = await (clients[0] as Client).submit(
      "steps",
      { lastAttempt: kills + 1 },
      { lease: { "cost.budget": ["USD:1000"] } },
    );
    const survived = readSteps(survivor, kills + 1);
    // It is awaited at the end; a failure before that must not count as unhandled.
    survived.catch(() => {});
    for (let kill = 1; kill <= kills; kill++) {
      const submitted = await Promise.all(
        [0, 0, 1, 1, 2].map((i) => (clients[i] as Client).submit("ticks")),
      );
      const [first] = submitted as [Job];
      const watched = await (clients[2] as Client).subscribe(first.id, { history: true });
      const readers = [...submitted, watched].map(readWhole);
      const wait = Math.round(50 + 400 * random());
      await Promise.all([pause(wait), ...submitted.map((job) => begun(job, 20))]);
      await victim.kill();
      await victim.start();
      const read = await Promise.all(readers);
      for (const { code } of read) {
        if (code !== "INTERNAL_ERROR") throw new Error(`a job of a killed runtime ended: ${code}`);
      }
      if (read[0]?.events !== read.at(-1)?.events) throw new Error("the watcher saw another job");
      jobs += submitted.length;
      events += read.slice(0, -1).reduce((sum, job) => sum + job.events, 0);
      log(`killed after ${wait} ms, ${read.map((job) => job.events).join(", ")} events, all whole`);
    }
    eventsOfSurvivor = await survived;
    log(`the job that is run again: ${kills + 1} attempts, ${eventsOfSurvivor} events, all whole`);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await victim.end();
  }
  await checkEnds(file, jobs + 1, events + eventsOfSurvivor);
  return { kills, jobs, events, eventsOfSurvivor };
}

/** The final contents of the file: every job has exactly one terminal record, the last one (J3). */
async function checkEnds(file: string, jobs: number, events: number): Promise<void> {
  const store = sqliteStore(file);
  let kept = 0;
  const rows = await store.jobs.list({ limit: 100_000 });
  for (const { id, status, agent } of rows) {
    const expected = agent === "steps" ? "success" : "error";
    const page = await store.logs.read(id, 0, { records: 1e9, characters: 1e12 });
    const ends = page.records.filter(({ kind }) => kind === "terminal").length;
    if (ends !== 1 || page.records.at(-1)?.kind !== "terminal" || status !== expected) {
      throw new Error(`${id} (${status}) has ${ends} ends`);
    }
    kept += page.records.length;
  }
  await store.close();
  if (rows.length !== jobs) throw new Error(`${rows.length} jobs instead of ${jobs}`);
  // The end of a job is its outcome and not among its events.
  if (kept !== events + jobs) {
    throw new Error(`the logs keep ${kept} records, the clients saw ${events} and ${jobs} ends`);
  }
}
