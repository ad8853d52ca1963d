import { type Profiler, Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";

/** Microseconds between two samples. */
const INTERVAL = 100;

/** Where the time of a process went, by the function on top of the stack. */
export interface ProfileRow {
  /** Such as `renderFrame`, or `(garbage collector)`. */
  readonly name: string;
  /** The file within this repository, or the module; empty for what is not JavaScript. */
  readonly file: string;
  /** Of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

let session: Session | undefined;

export async function startProfile(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: INTERVAL });
  await session.post("Profiler.start");
}

/** @returns all functions, the busiest first */
export async function stopProfile(): Promise<readonly ProfileRow[]> {
  if (session === undefined) throw new Error("no profile was started");
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  session = undefined;
  return rowsOf(profile);
}

function rowsOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ProfileRow[] {
  const byNode = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((to) => [to, id])));
  const times = new Map<string, { name: string; file: string; time: number }>();
  let busy = 0;
  /** Native code without a name is listed by its caller. */
  const callerOf = (id: number): string => {
    const caller = callers.get(id);
    if (caller === undefined) return "the event loop";
    return byNode.get(caller)?.functionName || callerOf(caller);
  };
  for (const [i, id] of samples.entries()) {
    const { functionName = "", url = "" } = byNode.get(id) ?? {};
    // The cost of profiling is not part of the profile.
    if (functionName === "(idle)" || url === "node:inspector") continue;
    const time = timeDeltas[i] ?? 0;
    busy += time;
    const name = functionName || (url ? "(anonymous)" : `(native, for ${callerOf(id)})`);
    const file = placeOf(url);
    const row = times.get(`${name} ${file}`) ?? { name, file, time: 0 };
    row.time += time;
    times.set(`${name} ${file}`, row);
  }
  return [...times.values()]
    .map(({ name, file, time }) => ({ name, file, share: time / busy }))
    .toSorted((a, b) => b.share - a.share);
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The part of a file's name that is the same on any machine. */
function placeOf(url: string): string {
  if (!url.startsWith("file:")) return url;
  const path = fileURLToPath(url);
  const [, module] = path.match(/.*\/node_modules\/(.+)$/) ?? [];
  return module ?? path.replace(ROOT, "").replace("/dist/", "/src/").replace(/\.js$/, ".ts");
}
