import { checkWorld, mayBeSeen } from "./checks.ts";
import { clientSteps } from "./client-steps.ts";
import { type FaultName, Violation } from "./fault.ts";
import { jobSteps } from "./job-steps.ts";
import { processSteps } from "./process-steps.ts";
import { projectorSteps } from "./projector-steps.ts";
import { sessionSteps } from "./session-steps.ts";
import type { Step } from "./step.ts";
import { beginning, type Configuration, type World } from "./world.ts";

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Steps from the initial state to the one farthest from it. */
  readonly depth: number;
  /** Whether every state's steps were explored. */
  readonly exhausted: boolean;
  /** The first violation, and a shortest trace to it. */
  readonly found: { readonly violation: Violation; readonly trace: readonly string[] } | undefined;
}

export interface ExploreOptions {
  readonly fault?: FaultName;
  /** Steps from the initial state; default: all. */
  readonly depth?: number;
  /** States after which it stops; default 2 million. */
  readonly states?: number;
}

/** Everything that may happen next, in every order. */
export function stepsOf(world: World, configuration: Configuration, fault?: FaultName): Step[] {
  const { sessions } = world;
  return [
    ...jobSteps(world, configuration, fault),
    ...processSteps(world, configuration.lateWrites === true, fault),
    ...sessions.flatMap((_, s) => [
      ...projectorSteps(world, s, fault),
      ...sessionSteps(world, s, fault),
      ...clientSteps(world, s, fault),
    ]),
  ];
}

/** Visits every reachable state, breadth first, and checks each: so a trace to a violation is a shortest one. */
export async function explore(
  configuration: Configuration,
  { fault, depth = Number.POSITIVE_INFINITY, states = 2_000_000 }: ExploreOptions = {},
): Promise<Exploration> {
  const keys = [JSON.stringify(beginning(configuration))];
  const known = new Map(keys.map((key, i) => [key, i]));
  const from: { state: number; name: string; depth: number }[] = [
    { state: -1, name: "", depth: 0 },
  ];
  /** For each state, those that lead to it whatever the adversary does. */
  const fairly: number[][] = [[]];
  const settled: number[] = [];
  let transitions = 0;
  const trace = (state: number, last?: string): string[] => {
    const names = last === undefined ? [] : [last];
    for (let at = from[state]; at !== undefined && at.state >= 0; at = from[at.state])
      names.unshift(at.name);
    return names;
  };
  const told = (found?: Exploration["found"], exhausted = true): Exploration => {
    return { states: keys.length, transitions, depth: from.at(-1)?.depth ?? 0, exhausted, found };
  };
  for (let state = 0; state < keys.length; state++) {
    const key = keys[state] ?? "";
    const at = from[state]?.depth ?? 0;
    if (at >= depth || keys.length >= states) return told(undefined, false);
    const world = JSON.parse(key) as World;
    if (isSettled(world)) settled.push(state);
    for (const step of stepsOf(world, configuration, fault)) {
      const next = copyOf(world);
      transitions += 1;
      let nextKey: string;
      let target: number | undefined;
      try {
        const done = step.run(next);
        if (done !== undefined) await done;
        nextKey = JSON.stringify(next);
        target = known.get(nextKey);
        if (target === undefined) checkWorld(next);
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        return told({ violation: error, trace: trace(state, step.name) }, false);
      }
      if (target === undefined) {
        target = keys.push(nextKey) - 1;
        known.set(nextKey, target);
        from.push({ state, name: step.name, depth: at + 1 });
        fairly.push([]);
      }
      if (step.fair) fairly[target]?.push(state);
    }
  }
  const stuck = firstStuck(keys.length, settled, fairly);
  if (stuck === undefined) return told();
  const violation = new Violation("liveness", "a client is owed something that it can never get");
  return told({ violation, trace: trace(stuck) });
}

/** For plain data. Many times as fast as JSON. */
function copyOf<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const name in value) copy[name] = copyOf(value[name]);
  return copy as T;
}

/** Whether everything that happened has arrived, or its viewer was told that it will not. */
export function isSettled({ jobs, sessions, up }: World): boolean {
  if (!up || jobs.some(({ accepted }) => accepted.length > 0)) return false;
  return sessions.every((session) => {
    const { client, memory, queue, ghost } = session;
    if (client.refused) return true;
    if (memory === undefined || queue.length > 0 || client.flight.length > 0) return false;
    const [conn, ...others] = memory.conns;
    if (conn === undefined || others.length > 0 || conn.stopped || conn.no !== client.wire)
      return false;
    if (conn.batch !== undefined || conn.replay !== undefined || client.has !== memory.issued)
      return false;
    return jobs.every(({ id, log }) => {
      if (!ghost.owed.includes(id)) return true;
      const read = ghost.read[id] ?? 0;
      const from = Math.max(read, ghost.excused[id] ?? 0);
      return !log.some((record, i) => i >= from && mayBeSeen(session, id, record));
    });
  });
}

/** The first state from which no sequence of fair steps leads to a settled one. */
function firstStuck(
  count: number,
  settled: readonly number[],
  fairly: readonly (readonly number[])[],
): number | undefined {
  const live = new Uint8Array(count);
  const waiting = [...settled];
  for (const state of settled) live[state] = 1;
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    for (const before of fairly[state] ?? []) {
      if (live[before] === 1) continue;
      live[before] = 1;
      waiting.push(before);
    }
  }
  const stuck = live.indexOf(0);
  return stuck < 0 ? undefined : stuck;
}
