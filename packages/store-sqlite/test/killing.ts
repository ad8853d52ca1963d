import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Client, connect, type Job, type WatchedJob } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";

const SERVE = fileURLToPath(new URL("serve.ts", import.meta.url));

/** A runtime on a file that is killed and started again at the same address. */
class Victim {
  readonly #file: string;
  #process: ChildProcess | undefined;
  url = "";

  constructor(file: string) {
    this.#file = file;
  }

  async start(): Promise<void> {
    const port = this.url === "" ? "0" : new URL(this.url).port;
    const child = spawn(process.execPath, [SERVE, this.#file, port], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process = child;
    const [line] = await once(child.stdout, "data");
    this.url = String(line).trim();
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

/** Reads a job to its end and insists that its records come whole, once and in order. */
async function readWhole(job: Job | WatchedJob): Promise<{ events: number; code: string }> {
  let last = 0;
  for await (const { jobSeq } of job.events) {
    // A notice of the session's own has no number in the job.
    if (jobSeq === undefined) continue;
    if (jobSeq !== last + 1) throw new Error(`${job.id}: ${jobSeq} came behind ${last}`);
    last = jobSeq;
  }
  const outcome = await job.outcome();
  return { events: last, code: outcome.status === "success" ? "success" : outcome.error.code };
}

export interface Killed {
  readonly kills: number;
  readonly jobs: number;
  readonly events: number;
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
  try {
    for (let i = 0; i < 3; i++) {
      clients.push(await connect(dial(victim.url), { token: "secret" }));
    }
    for (let kill = 1; kill <= kills; kill++) {
      const submitted = await Promise.all(
        [0, 0, 1, 1, 2].map((i) => (clients[i] as Client).submit("ticks")),
      );
      const [first] = submitted as [Job];
      const watched = await (clients[2] as Client).subscribe(first.id, { history: true });
      const readers = [...submitted, watched].map(readWhole);
      const wait = Math.round(50 + 400 * random());
      await pause(wait);
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
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await victim.kill();
  }
  await checkEnds(file, jobs, events);
  return { kills, jobs, events };
}

/** What the file says at last: every job with exactly one terminal record, the last one (J3). */
async function checkEnds(file: string, jobs: number, events: number): Promise<void> {
  const store = sqliteStore(file);
  let kept = 0;
  const rows = await store.jobs.list({ limit: 100_000 });
  for (const { id, status } of rows) {
    const page = await store.logs.read(id, 0, { records: 1e9, characters: 1e12 });
    const ends = page.records.filter(({ kind }) => kind === "terminal").length;
    if (ends !== 1 || page.records.at(-1)?.kind !== "terminal" || status !== "error") {
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
