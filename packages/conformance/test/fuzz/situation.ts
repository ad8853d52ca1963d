import type { House } from "./house.ts";
import type { SessionRecord } from "./session-record.ts";

/** Runs of a journal that are told of; the last ones say where the session is. */
const RUNS = 5;

/**
 * What the runtime and its store know of all sessions and jobs, in lines for people.
 * @param seen the same sessions as their clients saw them
 */
export async function situation(
  { store, runtime, clock }: House,
  seen: ReadonlyMap<string, SessionRecord>,
): Promise<string> {
  const lines = [`  the runtime, after ${clock.monotonic()} ms, with ${clock.pending} timers`];
  const kept = await store.sessions.list();
  for (const id of kept) {
    const { principal, connected, lastEventSeq } = runtime.sessions.get(id) ?? {};
    const runs = (await store.sessions.runs(id))
      .slice(-RUNS)
      .map(({ from, job, jobFrom }) => `${from} is ${job} from ${jobFrom}`);
    const shown = seen.get(id)?.last ?? "nothing";
    lines.push(
      `    ${id} of ${principal}, ${connected ? "connected" : "parked"}: issued ${lastEventSeq}, shown ${shown}; ` +
        `journal: ${runs.join(", ") || "empty"}`,
    );
    for (const { job, role, after, since } of await store.sessions.attachments(id)) {
      lines.push(`      is ${role} of ${job} from ${after}, since ${since}`);
    }
  }
  for (const id of seen.keys()) {
    if (!kept.some((one) => one === id)) lines.push(`    ${id} is forgotten`);
  }
  for (const { id, agent, session, status } of await store.jobs.list({ limit: 100 })) {
    const { floor, head } = await store.logs.read(id, 0, { records: 1, characters: 1 });
    lines.push(
      `    ${id} (${agent}) of ${session}, ${status}: its log goes from ${floor} to ${head}`,
    );
  }
  return lines.join("\n");
}
