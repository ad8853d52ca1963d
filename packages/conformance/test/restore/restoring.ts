import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { comes } from "../chaos/leftovers.ts";
import type { Random } from "../chaos/random.ts";
import { type Handled, readNotes } from "./notebook.ts";

export interface RestorePlan {
  readonly kills: number;
  /** A directory of its own. */
  readonly directory: string;
  /** Where the runtime keeps its jobs: `memory`, or a file. */
  readonly store: string;
  /** Seconds for which the runtime holds a session that nobody resumes. */
  readonly window: number;
  readonly random: Random;
}

export interface Restored {
  /** Clients that were killed by this process, and by themselves at a chosen moment. */
  readonly shot: number;
  readonly suicides: number;
  readonly sessions: number;
  /** Events of the job whose position the clients kept. */
  readonly events: number;
  /** Clients that handled some of them. */
  readonly clients: number;
}

/**
 * Kills client after client with -9, in mid-job, and lets each next one restore the session of the one before.
 *
 * What holds then: the handles of every client give a stream without a gap. A client that keeps its position together
 * with what it handled gets each event exactly once over all processes; one that keeps none reads from the first event.
 * @throws Error when that does not hold
 */
export async function killClients(
  plan: RestorePlan,
  log: (line: string) => void = () => {},
): Promise<Restored> {
  const { kills, directory, store, window, random } = plan;
  const runtime = start("serve.ts", [store, String(window)], "pipe");
  const complaints = complaintsOf(runtime, window);
  try {
    const url = await line(runtime);
    let shot = 0;
    let suicides = 0;
    while (shot + suicides < kills) {
      const death = random.chance(0.6) ? deathOf(random) : "never";
      const client = start("follow.ts", [url, directory, death]);
      const ended = once(client, "exit");
      // Some are shot before they have a session.
      if (random.chance(0.8)) await Promise.race([ended, line(client)]);
      const ms = random.between(0, 1_200);
      // One that would kill itself only later than that is shot as well.
      await Promise.race([ended, pause(ms)]);
      if (client.exitCode !== null) throw new Error(`a client ended with ${client.exitCode}`);
      if (client.signalCode === null) {
        client.kill("SIGKILL");
        await ended;
        shot += 1;
        log(`shot after ${Math.round(ms)} ms`);
      } else {
        suicides += 1;
        log(`died at: ${death}`);
      }
      // Sometimes the session is lost before the next one asks for it.
      if (random.chance(0.3)) await pause(random.between(0, Math.min(window, 2) * 1_000));
    }
    const last = start("follow.ts", [url, directory, "never"]);
    // It is in mid-job too, however long it took to get there.
    const handled = () => readNotes(join(directory, "notes")).filter(({ pid }) => pid === last.pid);
    await comes(
      () => last.exitCode !== null || handled().length > 100,
      () => "the last client handles nothing",
    );
    runtime.stdin?.write("finish\n");
    await comes(
      () => last.exitCode !== null,
      () => "the last client does not end",
    );
    assert.equal(last.exitCode, 0, "the last client failed");
    assert.deepEqual(complaints, [], "what the runtime said");
    return { shot, suicides, ...check(directory, window) };
  } finally {
    runtime.kill("SIGKILL");
  }
}

/** When a client kills itself. */
function deathOf(random: Random): string {
  const moment = random.pick(["handling", "before", "between", "behind"]);
  return `${moment} ${random.integer(1, moment === "handling" ? 200 : 6)}`;
}

function check(
  directory: string,
  window: number,
): Pick<Restored, "sessions" | "events" | "clients"> {
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  const { kept, whole, cancelled } = JSON.parse(read("end"));
  const notes: Handled[] = readNotes(join(directory, "notes"));
  for (const [i, { jobSeq }] of notes.entries()) {
    assert.equal(jobSeq, i + 1, `event ${jobSeq} was handled behind ${i}`);
  }
  const steps = notes.flatMap(({ step }) => step ?? []);
  assert.deepEqual(
    steps,
    Array.from({ length: kept }, (_, i) => i + 1),
  );
  assert.equal(whole.result, whole.last - (notes.length - kept));
  const sessions = new Set(read("sessions").trim().split("\n")).size;
  // Within the window it is one session, which may cancel what it submitted.
  if (window >= 600) assert.deepEqual([sessions, cancelled], [1, "cancelled"]);
  return {
    sessions,
    events: notes.length,
    clients: new Set(notes.map(({ pid }) => pid)).size,
  };
}

/** What it says on stderr, but for the resumes that come too late where sessions are soon forgotten. */
function complaintsOf({ stderr }: ChildProcess, window: number): readonly string[] {
  const complaints: string[] = [];
  if (stderr === null) throw new Error("its stderr is not read");
  createInterface(stderr).on("line", (line) => {
    if (window < 600 && line.includes('"code":"RESUME_WINDOW_EXPIRED"')) return;
    console.error(line);
    complaints.push(line);
  });
  return complaints;
}

function start(
  script: string,
  args: readonly string[],
  stderr: "inherit" | "pipe" = "inherit",
): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", stderr] });
}

async function line({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("its output is not read");
  const [text] = await once(stdout, "data");
  return String(text).trim();
}
