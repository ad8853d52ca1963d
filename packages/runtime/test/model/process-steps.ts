import type { SessionId } from "@arcp/core";
import { restoreStream } from "../../src/session/restoration.ts";
import { numberOf } from "./checks.ts";
import type { FaultName } from "./fault.ts";
import { freshStream, keep, logsOf, storeOf } from "./memory-stream.ts";
import type { Step } from "./step.ts";
import { kindOf, type Memory, type ModelSession, type World } from "./world.ts";

/** The process dies, and another one takes its place. */
export function processSteps(world: World, lateWrites: boolean, fault?: FaultName): Step[] {
  if (!world.up) return [{ name: "restart", fair: true, run: (next) => restart(next, fault) }];
  if (world.left.crashes === 0) return [];
  return [{ name: "crash", fair: false, run: (next) => crash(next, lateWrites) }];
}

function crash(world: World, lateWrites: boolean): void {
  world.up = false;
  world.left.crashes -= 1;
  for (const job of world.jobs) {
    const [record] = job.accepted;
    if (lateWrites && record !== undefined) job.late = { after: numberOf(record) - 1, record };
    job.accepted = [];
    job.ended = false;
    job.written = 0;
  }
  for (const session of world.sessions) {
    session.memory = undefined;
    session.queue = [];
  }
}

/** The runtime's own restoration from what the store holds. */
async function restart(world: World, fault: FaultName | undefined): Promise<void> {
  world.up = true;
  world.life += 1;
  for (const job of world.jobs) {
    job.written = job.log.length;
    job.ended = kindOf(job.log.at(-1) ?? "") === "terminal";
  }
  for (const session of world.sessions) session.memory = await restored(world, session, fault);
}

async function restored(
  world: World,
  session: ModelSession,
  fault: FaultName | undefined,
): Promise<Memory> {
  const { row, features, owns } = session;
  const stream = freshStream(session, row.epoch);
  const known = { id: "s" as SessionId, principal: "p", ...row, features };
  const issued = fault === "issued-guessed" ? (row.runs.at(-1)?.from ?? 0) : row.issued;
  await restoreStream(
    stream,
    { ...known, issued },
    {
      store: storeOf(session),
      logs: logsOf(world),
      jobs: { has: () => true, ownedBy: () => owns, isDelegated: () => false },
      turn: { spend: () => undefined },
    },
  );
  const memory: Memory = {
    epoch: row.epoch,
    runs: [],
    sealed: false,
    issued: 0,
    acked: 0,
    tokens: row.tokens,
    places: [...stream.attachments].map(({ job, role, seen, introduced, cursor }) => {
      const { after = 0, since = stream.issued } =
        row.attachments.find((one) => one.job === job) ?? {};
      const from = fault === "resend-under-new-number" ? after : cursor;
      const place = { row: { job, role, after: from, since }, cursor: from };
      return { ...place, seen: seen > 0 ? seen : undefined, introduced };
    }),
    asked: [],
    words: [],
    conns: [],
    arriving: [],
    held: [],
  };
  keep(memory, stream);
  return memory;
}
