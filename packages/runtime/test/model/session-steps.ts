import type { JobId } from "@arcp/core";
import { TokenRing } from "../../src/session/token-ring.ts";
import type { CommitOutcome, Cut, Run, SessionChange } from "../../src/store/index.ts";
import { type FaultName, Violation } from "./fault.ts";
import { keep, readPage, streamOf } from "./memory-stream.ts";
import { canResume } from "./resumable.ts";
import type { Step } from "./step.ts";
import { type Memory, type ModelSession, type PendingStep, roleIn, type World } from "./world.ts";

/** What the store does with a session, and what becomes of the resumes that this lets through. */
export function sessionSteps(world: World, s: number, fault?: FaultName): Step[] {
  const session = world.sessions[s];
  const memory = session?.memory;
  if (session === undefined || memory === undefined) return [];
  const steps: Step[] = [];
  const step = (what: string, fair: boolean, run: (at: Place) => void | Promise<void>): void => {
    steps.push({
      name: `s${s} ${what}`,
      fair,
      run: (next) => {
        const own = next.sessions[s];
        if (own?.memory !== undefined)
          return run({ world: next, session: own, memory: own.memory, fault });
      },
    });
  };
  const [pending] = session.queue;
  if (pending !== undefined) {
    const { claim, change } = pending;
    step(`stores ${claim ? "a claim" : told(change)}`, true, (at) => settle(at, true));
    if (world.left.failures > 0 && pending.batch === true) {
      for (const applied of [true, false]) {
        step(
          `fails to store ${told(change)}, ${applied ? "but has" : "and has not"}`,
          false,
          (at) => {
            at.world.left.failures -= 1;
            fail(at, applied);
          },
        );
      }
    }
  }
  // Between two batches, or while nobody is connected.
  const between = isBetween(memory);
  const [asked] = memory.asked;
  if (asked !== undefined && between) {
    step(`attaches ${asked.job}`, true, ({ world: next, session: own }) =>
      follow(next, own, fault),
    );
  }
  for (const { row, waiting } of memory.places) {
    if (waiting !== "answer" || !between) continue;
    step(`answers the subscription to ${row.job}`, true, ({ world: next, session: own }) =>
      answer(next, own, row.job),
    );
  }
  const [arriving] = memory.arriving;
  const silent = memory.conns.length === 0 || fault === "epoch-kept";
  if (arriving?.epoch !== undefined && silent) step("welcomes", true, welcome);
  return steps;
}

interface Place {
  readonly world: World;
  readonly session: ModelSession;
  readonly memory: Memory;
  readonly fault: FaultName | undefined;
}

function told(change: SessionChange | undefined): string {
  return Object.keys(change ?? {}).join(" and ");
}

/** The next step becomes durable, or is fenced off, and whoever waits for it is told. */
function settle(place: Place, applied: boolean): void {
  const { session, memory } = place;
  const pending = session.queue.shift();
  if (pending === undefined) return;
  const outcome = applied ? apply(place, pending) : "fenced";
  if (pending.claim !== undefined) return claimed(place, pending, outcome);
  if (pending.subscribes !== undefined && outcome === "committed") {
    const subscribed = memory.places.find(({ row }) => row.job === pending.subscribes);
    if (subscribed?.waiting === "store") subscribed.waiting = "answer";
  }
  if (pending.batch !== true) return;
  const conn = memory.conns.find(
    ({ epoch, batch }) => epoch === pending.epoch && batch !== undefined,
  );
  if (conn?.batch === undefined) return;
  if (outcome === "committed") conn.batch.committed = true;
  else {
    conn.batch = undefined;
    conn.stopped = true;
  }
}

/** A commit with an unknown outcome (P1). */
function fail(place: Place, applied: boolean): void {
  const { world, session, memory, fault } = place;
  const pending = session.queue.shift();
  if (pending === undefined) return;
  if (applied) apply(place, pending);
  const conn = memory.conns.find(
    ({ epoch, batch }) => epoch === pending.epoch && batch !== undefined,
  );
  if (conn === undefined) return;
  const stream = streamOf(session, memory);
  if (fault === "unsealed") stream.journal.open(pending.change?.runs ?? []);
  else stream.journal.seal();
  keep(memory, stream);
  conn.batch = undefined;
  // A subscriber that waited for the batch does not wait for its connection to end.
  if (memory.asked.length > 0) follow(world, session, fault);
  for (const { row, waiting } of memory.places) {
    if (waiting === "answer") answer(world, session, row.job);
  }
  conn.stopped = true;
}

function claimed(
  { session, memory, fault }: Place,
  { claim }: PendingStep,
  outcome: CommitOutcome,
): void {
  const arriving = memory.arriving.find(({ no }) => no === claim?.conn);
  if (arriving === undefined || outcome === "fenced") {
    memory.arriving = memory.arriving.filter((one) => one !== arriving);
  } else {
    if (fault !== "epoch-kept") {
      memory.epoch += 1;
      for (const conn of memory.conns) conn.stopped = true;
    }
    memory.tokens = session.row.tokens;
    arriving.epoch = memory.epoch;
  }
  for (const held of memory.held.splice(0)) session.queue.push({ ...held, epoch: memory.epoch });
  takeTurn(session, memory, fault);
}

/** Claims take turns: the next one goes to the store, with the tokens that are valid by now. */
function takeTurn(session: ModelSession, memory: Memory, fault: FaultName | undefined): void {
  if (session.queue.some(({ claim }) => claim !== undefined)) return;
  const arriving = memory.arriving.find(({ presented }) => presented !== undefined);
  if (arriving?.presented === undefined) return;
  const ring = new TokenRing(memory.tokens);
  if (!ring.confirm(arriving.presented)) {
    memory.arriving = memory.arriving.filter((one) => one !== arriving);
    return takeTurn(session, memory, fault);
  }
  arriving.presented = undefined;
  ring.issue();
  const kept = fault === "token-voided" ? [] : ring.hashes.slice(0, -1);
  const tokens = [...kept, `t${session.ghost.tokens++}`];
  session.queue.push({ epoch: memory.epoch, claim: { conn: arriving.no, tokens } });
}

function apply(
  { session, fault }: Place,
  { epoch, claim, change = {} }: PendingStep,
): CommitOutcome {
  const { row } = session;
  if (epoch !== row.epoch && fault !== "epoch-unchecked") return "fenced";
  if (epoch !== row.epoch && change.runs !== undefined) {
    throw new Violation("P5", `runs of epoch ${epoch} are taken in epoch ${row.epoch}`);
  }
  if (claim !== undefined) {
    row.tokens = claim.tokens;
    if (fault !== "epoch-kept") row.epoch += 1;
    if (fault !== "issued-kept") row.issued = undefined;
    return "committed";
  }
  const first = change.runs?.[0]?.from;
  if (first !== undefined)
    row.runs = [...row.runs.filter(({ from }) => from < first), ...(change.runs ?? [])];
  for (const cut of change.cut ?? []) row.runs = without(row.runs, cut);
  for (const one of change.attach ?? []) {
    row.attachments = [...row.attachments.filter(({ job }) => job !== one.job), one];
  }
  row.attachments = row.attachments.filter(({ job }) => !(change.detach ?? []).includes(job));
  row.tokens = change.tokens ?? row.tokens;
  row.acked = change.acked ?? row.acked;
  if (change.issued !== undefined) row.issued = change.issued ?? undefined;
  return "committed";
}

function without(runs: readonly Run[], { from, to }: Cut): Run[] {
  const kept = runs.filter((run) => run.from < from || run.from > to);
  const before = kept.findLastIndex((run) => run.from < from);
  return kept.map((run, i) => {
    return i === before ? { ...run, to: Math.min(run.to ?? from - 1, from - 1) } : run;
  });
}

/** The previous projector is silent: the new connection gets its welcome, and a projector of its own. */
function welcome({ session, memory, fault }: Place): void {
  const { ghost, client } = session;
  const arriving = memory.arriving.shift();
  // A later resume was quicker, or is about to be.
  if (arriving?.epoch !== memory.epoch && fault !== "epoch-kept") return;
  if (arriving === undefined) return;
  const { no, after } = arriving;
  ghost.welcomed = no;
  const token = memory.tokens.at(-1) ?? "";
  if (client.wire === no) {
    const words = memory.words.filter(({ at }) => at >= after);
    client.flight.push(`welcome ${token}`, ...words.map(({ job }) => `lost ${job}`));
  }
  const short = fault === "replay-short";
  memory.conns.push({
    no,
    epoch: memory.epoch,
    stopped: false,
    replay: short || after >= memory.issued ? undefined : after + 1,
    repeated: [],
    batch: undefined,
  });
}

/** A client comes back, with a token and the highest number that it has. */
export async function resume(
  { world, session, memory, fault }: Place,
  presented: string,
): Promise<void> {
  const { client, ghost } = session;
  const after = client.has;
  const whole = await canResume(world, session, memory, after);
  if (!memory.tokens.includes(presented)) return;
  if (!whole && fault !== "replay-truncated") {
    client.refused = true;
    if (world.jobs.some(({ floor }) => floor > 0)) return;
    throw new Violation("R-6.3-9", `a resume behind ${after} is refused, and the log is whole`);
  }
  const no = ghost.conns++;
  client.wire = no;
  client.flight = [];
  memory.arriving.push({ no, after, presented, epoch: undefined });
  takeTurn(session, memory, fault);
}

/** Whether no batch is being built, or only by a projector that will move nothing any more. */
export function isBetween({ conns }: Memory): boolean {
  return conns.every(({ batch, stopped }) => batch === undefined || stopped);
}

/** As the verb does it: the attachment, and once that is durable, its reply, before anything it delivers (R-7.6-3). */
export function follow(world: World, session: ModelSession, fault: FaultName | undefined): void {
  const { memory, ghost } = session;
  const asked = memory?.asked.shift();
  if (memory === undefined || asked === undefined) return;
  const { job, floor } = asked;
  const stream = streamOf(session, memory);
  const { head } = readPage(world, job, 0, 0);
  const followed = stream.attachments.get(job);
  if (followed !== undefined && floor === undefined) return say(session, job);
  const latest = Math.min(head, followed?.cursor ?? Number.POSITIVE_INFINITY);
  const after = Math.min(floor ?? latest, latest);
  const truncated = floor !== undefined && floor > 0;
  const marked = [session.queue.length, memory.held.length] as const;
  const attachment = stream.attachments.attach(job, roleIn(session, job), after, {
    head,
    truncated,
  });
  if (attachment === undefined) return;
  const { role, seen, introduced } = attachment;
  const row = { job, role, after, since: memory.issued };
  memory.places = [
    ...memory.places.filter((place) => place.row.job !== job),
    {
      row,
      seen: followed !== undefined || seen > 0 ? seen : undefined,
      introduced,
      head,
      truncated,
      waiting: "store",
      live: floor === undefined ? true : undefined,
      cursor: after,
    },
  ];
  memory.words = memory.words.filter((word) => word.job !== job);
  const subscribes = { subscribes: job };
  session.queue = session.queue.map((one, i) => (i < marked[0] ? one : { ...one, ...subscribes }));
  memory.held = memory.held.map((one, i) => (i < marked[1] ? one : { ...one, ...subscribes }));
  ghost.read[job] = after;
  ghost.excused[job] = truncated ? head : 0;
  keep(memory, stream);
  if (fault === "answered-undurable") answer(world, session, job);
}

/** `job.subscribed`, to whoever is connected: from here on its client relies on it, and live events begin here (R-7.6-6). */
export function answer(world: World, session: ModelSession, job: JobId): void {
  const { memory, ghost } = session;
  const place = memory?.places.find(({ row }) => row.job === job);
  if (memory === undefined || place === undefined) return;
  const { live } = place;
  delete place.waiting;
  delete place.live;
  say(session, job);
  const { head } = readPage(world, job, 0, 0);
  if (live === undefined || head <= place.cursor) return;
  const stream = streamOf(session, memory);
  const { role, seen, introduced } =
    stream.attachments.attach(job, place.row.role, head, { head }) ?? {};
  if (role === undefined) return;
  const row = { job, role, after: head, since: memory.issued };
  const others = memory.places.filter((one) => one !== place);
  memory.places = [...others, { row, seen, introduced, head, truncated: false, cursor: head }];
  // A crash before this is stored delivers more than that.
  ghost.excused[job] = head;
  keep(memory, stream);
}

function say({ memory, client }: ModelSession, job: JobId): void {
  const conn = memory?.conns.at(-1);
  if (conn?.stopped === false && conn.no === client.wire) client.flight.push(`subscribed ${job}`);
}
