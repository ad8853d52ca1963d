// A client that is killed, and goes on where the one before was: `follow.ts URL DIRECTORY DEATH`.
//
// It follows two jobs. Of one it keeps its own position, together with what it handled, and goes on behind it. The other one it
// reads from the first event, each time. DEATH says when it kills itself: `handling 12`, `before 3`, `between 3` or
// `behind 3` for the 12th event that it handles, or around the third time that its session is written down; or `never`.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type JobEvent, type SavedSession } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { noteDown, readNotes } from "./notebook.ts";
import { STEP } from "./step.ts";

const [url = "", directory = "", death = "never"] = process.argv.slice(2);
const file = (name: string): string => join(directory, name);
const [when = "", nth = "0"] = death.split(" ");
let times = 0;

function at(moment: string): void {
  if (moment !== when) return;
  times += 1;
  if (times === Number(nth)) process.kill(process.pid, "SIGKILL");
}

/** Whoever reads it finds the whole of this one or of the one before. */
function persist(saved: SavedSession): void {
  at("before");
  writeFileSync(file("session.new"), JSON.stringify(saved));
  at("between");
  renameSync(file("session.new"), file("session.json"));
  at("behind");
}

function stepOf(event: JobEvent): number | undefined {
  return event.kind === STEP ? Number(event.body["step"]) : undefined;
}

const restore: SavedSession | undefined = existsSync(file("session.json"))
  ? JSON.parse(readFileSync(file("session.json"), "utf8"))
  : undefined;
const client = await connect(dial(url), { token: "secret", persist, ...(restore && { restore }) });
writeFileSync(file("sessions"), `${client.session.id}\n`, { flag: "a" });
console.log("up");

/** @returns undefined for what the session says itself @throws Error when events are lost */
function numberOf({ kind, jobSeq, body }: JobEvent): number | undefined {
  if (kind === "history_lost") throw new Error(`history is lost: ${JSON.stringify(body)}`);
  return jobSeq;
}

/** The job of that name: the one that a process before has written down, or else a submit, which the key makes the same. */
async function jobOf(name: string, agent: string, position: number) {
  const id = existsSync(file(name)) ? readFileSync(file(name), "utf8") : undefined;
  if (id !== undefined) return client.job(id, { fromJobSeq: position });
  const job = await client.submit(agent, null, { idempotencyKey: name });
  // In one piece, too, and only as long as nothing of it was handled.
  writeFileSync(file(`${name}.new`), job.id);
  renameSync(file(`${name}.new`), file(name));
  return job;
}

async function goOn(): Promise<unknown> {
  const notes = file("notes");
  const job = await jobOf("kept", "counting", readNotes(notes).at(-1)?.jobSeq ?? 0);
  for await (const event of job.events) {
    const jobSeq = numberOf(event);
    if (jobSeq === undefined) continue;
    noteDown(notes, { pid: process.pid, jobSeq, step: stepOf(event) });
    at("handling");
  }
  return job.result();
}

async function readAll(): Promise<unknown> {
  const job = await jobOf("whole", "counting", 0);
  let last = 0;
  for await (const event of job.events) {
    const jobSeq = numberOf(event) ?? last + 1;
    if (jobSeq !== last + 1) throw new Error(`${jobSeq} came behind ${last}`);
    if (event.jobSeq !== undefined) last = jobSeq;
  }
  return { last, result: await job.result() };
}

const endless = await jobOf("endless", "endless", 0);
const [kept, whole] = await Promise.all([goOn(), readAll()]);
const cancelled = await endless.cancel("everything is read").then(
  () => endless.outcome().then(({ status }) => status),
  (error: { code: string }) => error.code,
);
await client.close();
writeFileSync(file("end"), JSON.stringify({ kept, whole, cancelled }));
