import type { Finished, Told } from "./flood-reader.ts";
import type { Role, Stalled, StallPlan } from "./stalling.ts";

const MEBIBYTE = 1024 * 1024;

/**
 * How far the runtime's memory may grow, apart from a log in memory, in bytes. The flood of the soak is 51 MiB: it
 * would show if half of it were buffered anywhere for the stalled client.
 */
export const MEMORY_BOUND = 24 * MEBIBYTE;

/** What is not as it should be: a client that stalls harms nobody else, and misses nothing without being told. */
export function faultsOf(plan: StallPlan, stalled: Stalled, bound = MEMORY_BOUND): string[] {
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  const { end, memory, readers } = stalled;
  // Besides the events there are the job's first status and its end.
  expect(end.records === plan.events + 2, `the log reached ${end.records}`);
  const allowed = bound + (plan.file === undefined ? keptOf(plan, stalled) : 0);
  expect(memory.used <= allowed, `memory grew by ${mebibytes(memory.used)}`);
  for (const role of ["owner", "viewer"] as const) {
    const lost = plan.stalls === role && plan.logRecords !== undefined;
    const reader = readers[role];
    const wrong = lost
      ? faultOfLost(plan, role, reader, stalled.job)
      : faultOfWhole(plan, role, reader);
    expect(wrong === undefined, `the ${role} ${wrong}: ${JSON.stringify(reader)}`);
  }
  return faults;
}

/** In bytes. */
function keptOf({ logRecords }: StallPlan, { memory, end }: Stalled): number {
  return memory.log * Math.min(1, (logRecords ?? end.records) / end.records);
}

function faultOfWhole(plan: StallPlan, role: Role, reader: Finished): string | undefined {
  const { events, outcome, connections, alive } = reader;
  if (events !== plan.events + 1 || reader.losses > 0 || outcome !== "success")
    return "did not get everything";
  if (reader.told.some(({ code }) => code !== "HEARTBEAT_LOST")) return "was told of something";
  if (!alive) return "lost its session";
  const dropped = plan.stalls === role && plan.pastHeartbeats === true;
  if (dropped !== connections > 1) return `had ${connections} connections`;
  return undefined;
}

/** A viewer loses only its subscription, an owner its connection (R-6.3-17). Both go on with what is still kept. */
function faultOfLost(
  plan: StallPlan,
  role: Role,
  reader: Finished,
  job: string,
): string | undefined {
  const { told, events, losses, outcome, connections, alive } = reader;
  const expected: Told = {
    code: "RESUME_WINDOW_EXPIRED",
    ...(role === "viewer" && { job }),
    subscription: role === "viewer",
  };
  const isTold = told.length > 0 && told.every((each) => same(each, expected));
  if (!isTold || losses === 0 || losses > told.length) return "was not told";
  if (outcome !== "success" || !alive) return "did not go on";
  if (events >= plan.events) return "missed nothing";
  if (connections !== (role === "viewer" ? 1 : 1 + told.length)) return "has other connections";
  return undefined;
}

function same(a: Told, b: Told): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function mebibytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}
