import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Client, connect, type Job, type SubmitOptions } from "@arcp/client";
import type { Dial } from "@arcp/core";
import { dial } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";
import { Mortal } from "./mortal.ts";
import type { UpstreamState } from "./upstream-state.ts";

/** How a job should end. */
const ways = [
  "success",
  "error",
  "rotate",
  "delegate",
  "cancel",
  "timeout",
  "expiry",
  "again",
  "kill",
] as const;
type Way = (typeof ways)[number];

/** Jobs that run at a time. */
const WAVE = 12;

export interface Outlived {
  /** How many jobs ended how: by the code of their error, `success`, or `refused` by their submit. */
  readonly ends: Readonly<Record<string, number>>;
  readonly credentials: number;
  readonly kills: number;
  /** Bytes that were searched for every value. */
  readonly searched: number;
}

/** Dials as usual, and records every incoming frame. */
function recording(url: () => string, frames: string[]): Dial {
  return async (signal) => {
    const transport = await dial(url())(signal);
    async function* recorded(): AsyncGenerator<string> {
      for await (const frame of transport.frames) {
        frames.push(frame);
        yield frame;
      }
    }
    return {
      frames: recorded(),
      send: (batch) => transport.send(batch),
      close: (reason) => transport.close(reason),
    };
  };
}

function submit(client: Client, way: Way): Promise<Job> {
  const options: SubmitOptions = {
    lease: { "tool.call": ["echo"], "agent.delegate": ["careless"] },
    ...(way === "timeout" && { maxRuntimeSec: 1 }),
    ...(way === "expiry" && { expiresAt: new Date(Date.now() + 1_500) }),
  };
  if (way === "again") return client.submit("persistent", null, options);
  const ends = way === "success" || way === "error" || way === "rotate" || way === "delegate";
  return client.submit("careless", ends ? way : "forever", options);
}

/**
 * @param survived resolves once the runtime was killed and restarted, or it is clear that it will not be
 * @returns how the job ended
 */
async function live(
  owner: Client,
  watcher: Client,
  way: Way,
  survived: Promise<"killed" | "spared">,
): Promise<string> {
  const submitted = await submit(owner, way).catch((error: { code?: string }) => error);
  if (!("outcome" in submitted)) {
    const { code = "" } = submitted;
    // One that is decided only after a kill may have expired meanwhile.
    const late = way === "expiry" && code === "INVALID_REQUEST";
    if (late || code === "INTERNAL_ERROR" || code === "BUDGET_EXHAUSTED") return "refused";
    throw submitted;
  }
  const job = submitted;
  const watched = watcher.subscribe(job.id, { history: true });
  await watched.catch(() => {});
  if (way === "cancel") await job.cancel();
  if (way === "kill" || way === "again") {
    const killed = (await survived) === "killed";
    if (way === "again" && killed) await Promise.race([job.outcome(), pause(2_000)]);
    // Nothing else ends a job that was accepted only after the kill.
    await job.cancel().catch(() => {});
  }
  const outcome = await job.outcome();
  // Its watcher must have seen all of it before its frames are searched.
  await watched.then((seen) => seen.outcome()).catch(() => {});
  return outcome.status === "success" ? "success" : outcome.error.code;
}

/**
 * Has jobs with credentials end in every way, while their upstream fails, hangs and is restarted and their runtime is
 * killed, and asserts that every key ever made is revoked, and is written nowhere.
 * @param directory for its files
 * @param jobs that must end, apart from those that are refused
 * @param log told of every wave
 */
export async function outlive(
  directory: string,
  jobs: number,
  log: (line: string) => void = () => {},
): Promise<Outlived> {
  const files = ["journal", "store.db", "log"].map((name) => join(directory, name));
  const [journal = "", file = "", logFile = ""] = files;
  await using upstream = new Mortal("faulty-upstream.ts", (port) => [journal, port]);
  await upstream.start();
  await using runtime = new Mortal("serve-credentials.ts", (port) => [
    file,
    port,
    upstream.url,
    logFile,
  ]);
  await runtime.start();
  const owned: string[] = [];
  const watched: string[] = [];
  const owner = await connect(
    recording(() => runtime.url, owned),
    { token: "secret" },
  );
  const watcher = await connect(
    recording(() => runtime.url, watched),
    { token: "other" },
  );
  const ends: Record<string, number> = {};
  let kills = 0;
  try {
    // With few finished jobs, kills may have come before any of them mentioned a key.
    const isTried = () => wasTold(besides(file, logFile), watched);
    for (let ended = 0, wave = 1; ended < jobs || (ended < 4 * jobs && !isTried()); wave++) {
      const survived = Promise.withResolvers<"killed" | "spared">();
      const lives = Array.from({ length: WAVE }, (_, i) =>
        live(owner, watcher, ways[i % ways.length] ?? "kill", survived.promise),
      );
      const over = Promise.all(lives);
      over.catch(() => {});
      await pause(50 + 500 * Math.random());
      // Not always, since the restart forgets the orders that it is late with.
      if (wave % 3 === 2) {
        await upstream.kill();
        await pause(200 * Math.random());
        await upstream.start();
      }
      // Every other time the jobs end by themselves.
      const deadly = wave % 2 === 1;
      if (deadly) {
        await pause(300 * Math.random());
        await runtime.kill();
        kills += 1;
        await runtime.start();
      }
      survived.resolve(deadly ? "killed" : "spared");
      const seen = await over;
      for (const end of seen) ends[end] = (ends[end] ?? 0) + 1;
      ended += seen.filter((end) => end !== "refused").length;
      log(`wave ${wave}: ${seen.join(", ")}`);
    }
    await reach(`${upstream.url}/calm`);
    await untilNothingIsOutstanding(runtime);
  } finally {
    await Promise.all([owner.close(), watcher.close()]);
  }
  await runtime.kill();
  const state = await reach(`${upstream.url}/state`);
  checkRevoked(state);
  // Before the store is opened, which would move the files beside it into itself.
  const searched = checkNowhere(Object.values(state.values), besides(file, logFile), watched);
  await checkStore(file);
  const shown = Object.values(state.values).filter((value) =>
    owned.some((frame) => frame.includes(value)),
  );
  if (shown.length === 0) throw new Error("the owner was never shown a key: nothing was tried");
  return { ends, credentials: Object.keys(state.values).length, kills, searched };
}

async function reach(url: string): Promise<UpstreamState> {
  return (await (await fetch(url)).json()) as UpstreamState;
}

async function untilNothingIsOutstanding(runtime: Mortal): Promise<void> {
  for (const deadline = performance.now() + 60_000; ; await pause(200)) {
    const left = await runtime.ask("retry");
    if (left === "0") return;
    if (performance.now() > deadline) throw new Error(`${left} credentials are still outstanding`);
  }
}

function checkRevoked({ alive, values, revoked }: UpstreamState): void {
  if (alive.length > 0) throw new Error(`still alive: ${alive.join(", ")}`);
  const known = new Set(revoked);
  const lost = Object.keys(values).filter((alias) => !known.has(alias));
  if (lost.length > 0) throw new Error(`never revoked: ${lost.join(", ")}`);
}

/** Nothing is outstanding in the store. */
async function checkStore(file: string): Promise<void> {
  const store = sqliteStore(file);
  const rows = await store.credentials.list();
  await store.close();
  if (rows.length > 0) throw new Error(`${rows.length} credentials are still in the store`);
}

/** The log, the store, and SQLite's files beside it. */
function besides(file: string, logFile: string): Map<string, Buffer> {
  const paths = [`${file}-wal`, `${file}-shm`].filter(existsSync);
  const places = new Map([[logFile, readFileSync(logFile)]]);
  return places.set(file, Buffer.concat([file, ...paths].map((path) => readFileSync(path))));
}

/** Whether there was an attempt to reveal a key in every place. */
function wasTold(places: ReadonlyMap<string, Buffer>, frames: readonly string[]): boolean {
  const isIn = (text: { includes(part: string): boolean }) => text.includes("[redacted]");
  return [...places.values()].every(isIn) && frames.some(isIn);
}

/** @returns how many bytes were searched */
function checkNowhere(
  values: readonly string[],
  places: Map<string, Buffer>,
  frames: readonly string[],
): number {
  places.set("the watcher's frames", Buffer.from(frames.join("\n")));
  let searched = 0;
  for (const [place, bytes] of places) {
    searched += bytes.length;
    const found = values.find((value) => bytes.includes(value));
    if (found !== undefined) throw new Error(`${place}: has a key in it`);
    if (!bytes.includes("[redacted]")) throw new Error(`${place}: nobody tried to tell a key`);
  }
  return searched;
}
