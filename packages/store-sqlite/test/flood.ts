// A runtime in a process of its own with one job that floods; to be run with `--expose-gc`, its plan as JSON.
import { createRuntime, defineAgent, memoryStore, tokenTable } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { listen } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";
import { Audience } from "./audience.ts";
import { LeapingClock } from "./leaping-clock.ts";

export interface FloodPlan {
  /** The store's file; without it the store is in memory. */
  readonly file?: string | undefined;
  readonly events: number;
  /** Characters of one event's message, at least. */
  readonly size: number;
  /** Events after which it pauses: for both readers to have them, and then to be told to go on. */
  readonly breakAfter: number;
  /** Events that it may be ahead of the fastest reader; without it, as fast as the runtime takes them. */
  readonly lead?: number | undefined;
  /** Records of the log that are kept. Default: the store's. */
  readonly logRecords?: number | undefined;
  /** Milliseconds between two memory samples. */
  readonly sampleMs: number;
}

/** What it can be told once it has begun. */
export type Command = "go on" | "let heartbeats pass" | "how much memory";

/** What it reports to its parent process. */
export type FloodReport =
  | { readonly kind: "listening"; readonly url: string }
  /** Both readers are in the middle of it. */
  | { readonly kind: "break" }
  /** A reader that did not answer for two intervals is given up. */
  | { readonly kind: "given up" }
  /** The job's terminal record is durable. */
  | ({ readonly kind: "ended" } & Ended)
  | ({ readonly kind: "memory" } & Memory);

export interface Ended {
  /** Milliseconds since the flood began, and how many of them were CPU time of this process. */
  readonly ms: number;
  readonly cpu: number;
  /** In the job's log. */
  readonly records: number;
}

/** The maximum growth of memory since the flood began, in bytes. */
export interface Memory {
  /** In use after a collection: the heap and external memory. */
  readonly used: number;
  readonly rss: number;
  /** The log's own size. */
  readonly log: number;
  readonly samples: number;
}

const plan = JSON.parse(process.argv[2] ?? "{}") as FloodPlan;
const tell = (report: FloodReport): void => void process.send?.(report);

let floodJob: string | undefined;
let began = 0;
let usage = process.cpuUsage();
let log = 0;

/** The store, observed for what becomes durable of the flood. */
function watched(store: Store): Store {
  const { logs } = store;
  const append = logs.append.bind(logs);
  logs.append = async (batches) => {
    const outcomes = await append(batches);
    for (const { job, after, records } of batches) {
      if (job !== floodJob) continue;
      for (const { text } of records) log += text.length;
      if (records.at(-1)?.kind !== "terminal") continue;
      const { user, system } = process.cpuUsage(usage);
      const ms = performance.now() - began;
      tell({ kind: "ended", ms, cpu: (user + system) / 1000, records: after + records.length });
    }
    return outcomes;
  };
  return store;
}

/** So long that none passes by itself. */
const HEARTBEAT_SEC = 300;
const clock = new LeapingClock();
const audience = new Audience();
const go = Promise.withResolvers<void>();
const goOn = Promise.withResolvers<void>();
const flood = defineAgent({
  name: "flood",
  async run({ job, log }) {
    await go.promise;
    floodJob = job.id;
    usage = process.cpuUsage();
    began = performance.now();
    for (let i = 0; i < plan.events; i++) {
      const { breakAfter, lead = Infinity } = plan;
      if (i === breakAfter) {
        await audience.until(() => audience.have(breakAfter, 2));
        tell({ kind: "break" });
        await goOn.promise;
      }
      await audience.until(() => i <= audience.furthest + lead);
      await log.info(`event ${i}`.padEnd(plan.size, "."));
    }
  },
});
const echo = defineAgent({ name: "echo", run: async (_ctx, input) => input });

const limits = plan.logRecords === undefined ? {} : { logLimits: { records: plan.logRecords } };
const runtime = createRuntime({
  agents: [flood, echo],
  auth: tokenTable({ secret: "alice" }),
  store: watched(plan.file === undefined ? memoryStore(limits) : sqliteStore(plan.file, limits)),
  limits: { heartbeatIntervalSec: HEARTBEAT_SEC },
  clock,
});

function memory(): { readonly used: number; readonly rss: number } {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}

/** Samples the memory until it is asked for the result. */
function begin(): void {
  const before = memory();
  let { used, rss } = before;
  let samples = 0;
  const look = (): void => {
    const now = memory();
    used = Math.max(used, now.used);
    rss = Math.max(rss, now.rss);
    samples += 1;
  };
  setInterval(look, plan.sampleMs);
  go.resolve();
  const answer = (): void => {
    look();
    tell({ kind: "memory", used: used - before.used, rss: rss - before.rss, log, samples });
  };
  process.on("message", (message: Command) => {
    if (message === "go on") goOn.resolve();
    if (message === "how much memory") answer();
    if (message === "let heartbeats pass") void passHeartbeats();
  });
}

/** Two intervals pass, in which all but one answer: by the machine's own clock the others might not get round to it. */
async function passHeartbeats(): Promise<void> {
  const { pongs, closed } = audience;
  clock.leap(HEARTBEAT_SEC * 1000);
  await audience.until(() => audience.pongs > pongs);
  clock.leap(HEARTBEAT_SEC * 1000);
  await audience.until(() => audience.closed > closed);
  tell({ kind: "given up" });
}

process.once("message", begin);
// Exit when the parent process is gone.
process.on("disconnect", () => process.exit());
const server = await listen({ port: 0 }, (transport) => runtime.serve(audience.heard(transport)));
tell({ kind: "listening", url: server.url });
