import type { JobId } from "@arcp/core";
import { TokenRing } from "../../src/session/token-ring.ts";
import { readFrame } from "./checks.ts";
import { type FaultName, Violation } from "./fault.ts";
import { keep, readPage, streamOf } from "./memory-stream.ts";
import { follow, isBetween, resume } from "./session-steps.ts";
import type { Step } from "./step.ts";
import type { Memory, ModelSession, World } from "./world.ts";

/** What the client of a session may do next, and the network in between. */
export function clientSteps(world: World, s: number, fault?: FaultName): Step[] {
  const session = world.sessions[s];
  if (session === undefined) return [];
  const steps: Step[] = [];
  const step = (
    what: string,
    fair: boolean,
    run: (own: ModelSession, next: World) => void | Promise<void>,
  ): void => {
    steps.push({
      name: `s${s} client ${what}`,
      fair,
      run: (next) => {
        const own = next.sessions[s];
        if (own !== undefined) return run(own, next);
      },
    });
  };
  const { client, memory } = session;
  if (client.refused) return [];
  if (client.wire === undefined) {
    if (memory === undefined) return [];
    for (const [i, token] of client.tokens.entries()) {
      const newest = i + 1 === client.tokens.length;
      if (!newest && !memory.tokens.includes(token)) continue;
      step(
        `resumes with ${token} behind ${client.has}`,
        newest,
        (own, next) =>
          own.memory && resume({ world: next, session: own, memory: own.memory, fault }, token),
      );
    }
    return steps;
  }
  const conn = memory?.conns.find(({ no }) => no === client.wire);
  const arriving = memory?.arriving.some(({ no }) => no === client.wire);
  if (client.flight.length > 0) step(`gets ${client.flight[0]}`, true, deliver);
  if ((conn === undefined || conn.stopped) && arriving !== true) {
    step("finds its connection closed", true, hangUp);
  } else if (world.left.drops > 0) {
    step("loses its connection", false, (own, next) => {
      next.left.drops -= 1;
      hangUp(own);
    });
  }
  if (
    memory === undefined ||
    conn === undefined ||
    conn.stopped ||
    conn.no < memory.conns.length - 1
  ) {
    return steps;
  }
  if (world.left.acks > 0 && client.has > session.ghost.acked) {
    step(`acknowledges ${client.has}`, false, (own, next) => acknowledge(own, next, fault));
  }
  if (world.left.subscriptions > 0) {
    for (const { id } of world.jobs) {
      if (session.owns.includes(id)) continue;
      for (const history of [true, false]) {
        step(`subscribes to ${id}${history ? " with its history" : ""}`, false, (own, next) =>
          subscribe(own, next, { job: id, history, fault }),
        );
      }
    }
  }
  return steps;
}

/** The runtime may notice late. */
function hangUp({ client }: ModelSession): void {
  client.wire = undefined;
  client.flight = [];
}

function deliver({ client, ghost }: ModelSession): void {
  const frame = client.flight.shift() ?? "";
  if (frame.startsWith("welcome ")) {
    client.tokens = [...client.tokens.slice(-1), frame.slice(8)];
    return;
  }
  if (frame.startsWith("subscribed ")) {
    const job = frame.slice(11) as JobId;
    if (!ghost.owed.includes(job)) ghost.owed.push(job);
    return;
  }
  if (frame.startsWith("lost ")) {
    ghost.owed = ghost.owed.filter((job) => job !== frame.slice(5));
    return;
  }
  const { seq } = readFrame(frame);
  if (seq !== client.has + 1)
    throw new Violation("R-8.3-1", `the client has ${client.has} and gets ${seq}`);
  client.has = seq;
}

/** Everything after a welcome confirms its token. */
function confirm({ client, queue }: ModelSession, memory: Memory): void {
  const ring = new TokenRing(memory.tokens);
  if (memory.conns.at(-1)?.no !== client.wire || !ring.confirm(client.tokens.at(-1) ?? "")) return;
  if (ring.hashes.length === memory.tokens.length) return;
  memory.tokens = ring.hashes;
  queue.push({ epoch: memory.epoch, change: { tokens: ring.hashes } });
}

function acknowledge(session: ModelSession, world: World, fault: FaultName | undefined): void {
  const { client, memory, ghost } = session;
  if (memory === undefined) return;
  world.left.acks -= 1;
  ghost.acked = client.has;
  confirm(session, memory);
  const stream = streamOf(session, memory);
  stream.acknowledge(fault === "trim-unread" ? memory.issued : client.has);
  // Trims what may go, whether or not that is worth it.
  stream.removed([], true);
  keep(memory, stream);
}

/** Its subscription begins between two batches (R-7.6-3). */
function subscribe(
  session: ModelSession,
  world: World,
  { job, history, fault }: { job: JobId; history: boolean; fault: FaultName | undefined },
): void {
  const { memory } = session;
  if (memory === undefined) return;
  world.left.subscriptions -= 1;
  confirm(session, memory);
  const { floor } = readPage(world, job, 0, 0);
  memory.asked.push({ job, floor: history ? floor : undefined });
  if (isBetween(memory)) follow(world, session, fault);
}
