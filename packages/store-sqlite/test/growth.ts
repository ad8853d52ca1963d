import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, type Job, type WatchedJob } from "@arcp/client";
import { dial } from "@arcp/transport-ws";

const SERVER = fileURLToPath(new URL("burst-server.ts", import.meta.url));

export interface GrowthPlan {
  /** A file that does not exist yet, or `memory` for the memory store. */
  readonly store: string;
  readonly jobs: number;
  readonly eventsPerJob: number;
  /** In s. */
  readonly retention: number;
  /**
   * Milliseconds from the start of one job to that of the next: the first quarter of the jobs must take longer than the
   * retention, so that at the first measurement as many jobs are removed as come.
   */
  readonly pace: number;
}

/** What the runtime holds at one moment. */
export interface Footprint {
  readonly events: number;
  /** Seconds since the first job. */
  readonly after: number;
  /** Heap and external memory after a forced collection, in bytes. */
  readonly memory: number;
  /** The file with its write-ahead log checkpointed into it, in bytes; 0 without a file. */
  readonly file: number;
}

/** The measured runtime, in a process of its own. */
class Server implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #url: Promise<string>;

  constructor(store: string, retention: number) {
    this.#process = fork(SERVER, [store, String(retention)], {
      execArgv: [...process.execArgv, "--expose-gc"],
    });
    this.#url = this.#answer<{ url: string }>().then(({ url }) => url);
  }

  connect() {
    return this.#url.then((url) => connect(dial(url), { token: "secret" }));
  }

  footprint(): Promise<Omit<Footprint, "events" | "after">> {
    const answer = this.#answer<{ memory: number; file: number }>();
    this.#process.send({});
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#process.connected) return;
    const ended = once(this.#process, "exit");
    this.#process.disconnect();
    await ended;
  }

  /** @throws Error when the process ends without an answer */
  async #answer<T>(): Promise<T> {
    const heard = new AbortController();
    const ended = once(this.#process, "exit", heard).then(([code]) => {
      throw new Error(`the server exited with ${code}`);
    });
    try {
      const [answer] = await Promise.race([once(this.#process, "message", heard), ended]);
      return answer as T;
    } finally {
      ended.catch(() => {});
      heard.abort();
    }
  }
}

/** Reads a job to its end, and asserts that it has every event once and in order. */
async function readWhole(job: Job | WatchedJob, events: number): Promise<void> {
  let last = 0;
  for await (const { jobSeq } of job.events) {
    // A notice of the session's own has no job_seq.
    if (jobSeq === undefined) continue;
    if (jobSeq !== last + 1) throw new Error(`${job.id}: ${jobSeq} came behind ${last}`);
    last = jobSeq;
  }
  await job.result();
  // The first one says that the job runs.
  if (last !== events + 1) throw new Error(`${job.id}: ${last} events instead of ${events + 1}`);
}

/**
 * One session runs job after job and acknowledges everything, while finished ones are removed.
 * @param log told of every measurement
 * @returns what the runtime held after a quarter of the jobs, and after all
 */
export async function runMany(
  plan: GrowthPlan,
  log: (footprint: Footprint) => void = () => {},
): Promise<{ readonly early: Footprint; readonly late: Footprint }> {
  await using server = new Server(plan.store, plan.retention);
  await using client = await server.connect();
  const started = performance.now();
  const quarter = Math.ceil(plan.jobs / 4);
  let early: Footprint | undefined;
  for (let done = 1; ; done++) {
    const due = started + done * plan.pace;
    await readWhole(await client.submit("burst", plan.eventsPerJob), plan.eventsPerJob);
    // Which also leaves time for the last acknowledgement.
    await pause(Math.max(0, due - performance.now()));
    if (done % quarter !== 0 && done !== plan.jobs) continue;
    const footprint: Footprint = {
      events: done * plan.eventsPerJob,
      after: (performance.now() - started) / 1000,
      ...(await server.footprint()),
    };
    log(footprint);
    early ??= footprint;
    if (done === plan.jobs) return { early, late: footprint };
  }
}

/** A session opened later subscribes to a long job that has ended. @returns how long that took, in ms */
export async function readLate(store: string, events: number): Promise<number> {
  await using server = new Server(store, 600);
  await using owner = await server.connect();
  const job = await owner.submit("burst", events);
  await readWhole(job, events);
  await using late = await server.connect();
  const started = performance.now();
  await readWhole(await late.subscribe(job.id, { history: true }), events);
  return performance.now() - started;
}
