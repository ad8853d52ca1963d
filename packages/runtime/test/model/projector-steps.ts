import { frameText, type JobId } from "@arcp/core";
import { Dialect } from "../../src/dialect/dialect.ts";
import { Attachment } from "../../src/session/attachment.ts";
import { Batch } from "../../src/session/batch.ts";
import type { Stream } from "../../src/session/stream.ts";
import { isVisible, type Rendering, renderFrame } from "../../src/session/view.ts";
import type { Run } from "../../src/store/index.ts";
import { checkSent } from "./checks.ts";
import type { FaultName } from "./fault.ts";
import { keep, readPage, streamOf, vaultOf } from "./memory-stream.ts";
import type { Step } from "./step.ts";
import type { Conn, Memory, ModelSession, Numbered, World } from "./world.ts";

const ALL = Number.MAX_SAFE_INTEGER;

/** The prefix of a frame: the checks need only its record. */
export const PREFIX = "";

/** What the projectors of a session may do next: the present one, and those that were told to stop. */
export function projectorSteps(world: World, s: number, fault?: FaultName): Step[] {
  const { memory } = world.sessions[s] ?? {};
  if (memory === undefined) return [];
  return memory.conns.flatMap((conn, c): Step[] => {
    const step = (what: string, run: (at: Place) => void): Step => ({
      name: `s${s} connection ${conn.no} ${what}`,
      fair: true,
      run: (next) => {
        const session = next.sessions[s];
        const own = session?.memory?.conns[c];
        if (session?.memory === undefined || own === undefined) return;
        run({ world: next, session, memory: session.memory, conn: own, fault });
      },
    });
    const { batch, stopped, replay } = conn;
    const left = world.sessions[s]?.client.wire !== conn.no;
    const notices = left && !stopped ? [step("notices that its client has left", leave)] : [];
    if (batch !== undefined) {
      const free = batch.committed || fault === "send-before-commit";
      return free ? [step("send", send), ...notices] : notices;
    }
    // Whoever waited for the batch goes first.
    const waited = memory.asked.length > 0 || memory.places.some((one) => one.waiting === "answer");
    if (stopped) return waited ? [] : [step("park", park)];
    if (replay !== undefined) return [step(`replay from ${replay}`, repeat), ...notices];
    const ready = memory.places.flatMap(({ row: { job }, cursor, waiting }) => {
      if (waiting !== undefined) return [];
      const { floor, head } = page(world, job, cursor, fault, 0);
      return head !== cursor || floor > cursor ? [job] : [];
    });
    const numbers = ordersOf(ready).map((order) =>
      step(`number ${order.join(" ")}`, (at) => number(at, order)),
    );
    return [...numbers, ...notices];
  });
}

function leave({ conn }: Place): void {
  conn.stopped = true;
}

interface Place {
  readonly world: World;
  readonly session: ModelSession;
  readonly memory: Memory;
  readonly conn: Conn;
  readonly fault: FaultName | undefined;
}

/** Which of the ready jobs a batch reads, in which order: any of them alone, or all. */
function ordersOf(ready: readonly JobId[]): JobId[][] {
  const alone = ready.map((job) => [job]);
  return ready.length < 2 ? alone : [...alone, [...ready], [...ready].reverse()];
}

function page(
  world: World,
  job: JobId,
  after: number,
  fault: FaultName | undefined,
  records = ALL,
) {
  if (fault !== "read-undurable") return readPage(world, job, after, records);
  const jobs = world.jobs.map((one) => ({ ...one, log: [...one.log, ...one.accepted] }));
  return readPage({ ...world, jobs }, job, after, records);
}

/** Reads and numbers, and asks the store to commit what the numbers mean; nothing has moved yet. */
function number(place: Place, order: readonly JobId[]): void {
  const { world, session, memory, conn, fault } = place;
  const repinned = fault === "features-repinned" && conn.no > 0;
  const features = repinned ? [...session.features, "progress"] : session.features;
  const stream = streamOf({ ...session, features }, memory);
  if (fault === "shared-numbers") {
    stream.journal.issue(Math.max(...world.sessions.map((one) => one.memory?.issued ?? 0)));
  }
  const batch = new Batch(stream, PREFIX, { ...rendering(world), introduces: () => true });
  for (const job of order) {
    const attachment = attachmentTo(job, stream, place);
    if (attachment === undefined) continue;
    const { cursor } = attachment;
    const read = page(world, job, cursor, fault);
    if (attachment.isBehind(read, cursor) && fault !== "skip-evicted") {
      const live = attachment.liveIn(read, cursor);
      if (attachment.role === "owner" && live === undefined) {
        conn.stopped = true;
        return;
      }
      const over = live === read.head && world.jobs.some(({ id, ended }) => id === job && ended);
      batch.lose(attachment, over ? undefined : live);
      continue;
    }
    const start =
      fault === "skip-evicted"
        ? Math.max(cursor, read.floor)
        : attachment.startIn(read.floor, cursor);
    const records = fault === "skip-visible" ? read.records.slice(-1) : read.records;
    batch.add(attachment, start + read.records.length - records.length, records);
  }
  const runs = mistaken(batch.runs, stream, fault);
  conn.batch = {
    frames: batch.frames.map(frameText),
    runs,
    cursors: [...batch.cursors].map(([{ job }, cursor]) => [job, cursor]),
    ended: [...batch.ended].map(({ job }) => job),
    lost: batch.lost.map(({ job }) => job),
    last: batch.last,
    committed: runs.length === 0,
  };
  if (runs.length > 0) session.queue.push({ epoch: conn.epoch, change: { runs }, batch: true });
}

function attachmentTo(
  job: JobId,
  stream: Stream,
  { memory, fault }: Place,
): Attachment | undefined {
  const row = memory.places.find((one) => one.row.job === job)?.row;
  if (row === undefined || fault !== "secret-to-all") return stream.attachments.get(job);
  return new Attachment({ ...row, role: "owner", after: stream.attachments.get(job)?.cursor ?? 0 });
}

function mistaken(
  runs: readonly Run[],
  { journal, issued }: Stream,
  fault?: FaultName,
): readonly Run[] {
  if (fault === "run-over-hidden") {
    return runs.filter((run, i) => {
      const before = runs[i - 1] ?? journal.current;
      return before?.job !== run.job || before.role !== run.role;
    });
  }
  if (fault === "run-repointed") {
    return runs.map((run) =>
      run.from === issued + 1 && issued > 0 ? { ...run, from: issued } : run,
    );
  }
  return runs;
}

/** The runs are durable: the stream moves, and the bytes leave. */
function send(place: Place): void {
  const { world, session, memory, conn, fault } = place;
  const { batch } = conn;
  if (batch === undefined) return;
  conn.batch = undefined;
  const stream = streamOf(session, memory);
  if (!conn.stopped || fault !== "stopped-forgets") stream.journal.open(batch.runs);
  if (!conn.stopped) {
    for (const followed of memory.places) {
      const cursor = batch.cursors.find(([job]) => job === followed.row.job);
      if (cursor !== undefined) followed.cursor = cursor[1];
    }
    stream.journal.issue(batch.last);
    for (const job of batch.ended) detach(memory, stream, job);
    for (const frame of batch.frames) put(world, session, conn, frame);
    keep(memory, stream);
    tellLost(place, batch);
  } else keep(memory, stream);
}

/** Reports the subscription that ended, or the history that its owner had requested again. */
function tellLost({ session, memory, conn, fault }: Place, { lost }: Numbered): void {
  for (const job of lost) {
    const place = memory.places.find(({ row }) => row.job === job);
    if (place !== undefined) session.ghost.excused[job] = place.cursor;
    if (fault !== "word-lost") memory.words.push({ job, at: memory.issued });
    const reads = session.client.wire === conn.no && fault !== "deaf";
    if (reads) session.client.flight.push(`lost ${job}`);
  }
}

function detach(memory: Memory, stream: Stream, job: JobId): void {
  stream.attachments.detach(job);
  memory.places = memory.places.filter(({ row }) => row.job !== job);
}

/** Reads what the next numbers stand for, up to the end of a run; with the last of them everything leaves. */
function repeat(at: Place): void {
  const { world, session, memory, conn, fault } = at;
  const { journal, issued, features } = streamOf(session, memory);
  const from = conn.replay ?? 0;
  const [span] = journal.spans(from, issued);
  if (span === undefined) {
    if (from <= issued) conn.stopped = true;
    putRepeated(at);
    conn.replay = undefined;
    return;
  }
  const read = readPage(world, span.job, span.jobFrom - 1, span.count);
  const gone = Math.max(0, read.floor - (span.jobFrom - 1));
  if ((gone > 0 && fault !== "replay-truncated") || read.records.length === 0) {
    putRepeated(at);
    conn.stopped = true;
    return;
  }
  for (const [i, record] of read.records.slice(0, span.count - gone).entries()) {
    const frame = renderFrame(PREFIX, from + gone + i, span.job, record, rendering(world));
    const visible = isVisible(record, { features, role: span.role });
    conn.repeated.push({ frame: frameText(frame), visible });
  }
  conn.replay = from + span.count;
  if (conn.replay > issued) putRepeated(at);
}

function putRepeated({ world, session, conn }: Place): void {
  for (const { frame, visible } of conn.repeated.splice(0))
    put(world, session, conn, frame, visible);
}

/** The last commit of a stopped projector: how far it got. */
function park({ session, memory, conn }: Place): void {
  const { issued, acked } = memory;
  session.queue.push({ epoch: conn.epoch, change: { issued, acked } });
  memory.conns = memory.conns.filter((one) => one !== conn);
}

/** Bytes leave; those that no client reads any more are lost. */
function put(world: World, session: ModelSession, conn: Conn, frame: string, visible = true): void {
  checkSent(world, session, conn, frame, visible);
  if (session.client.wire === conn.no) session.client.flight.push(frame);
}

const draft = new Dialect("draft");

function rendering(world: World): Rendering {
  return { vault: vaultOf(world), dialect: draft };
}
