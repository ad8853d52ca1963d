// A runtime in a process of its own with one job that floods; to be run with `--expose-gc`, its plan as JSON.
import { setTimeout as pause } from "node:timers/promises";
import { createRuntime, defineAgent, memoryStore, tokenTable } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import { listen } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";

export interface FloodPlan {
  /** Of the store; without it the store is in memory. */
  readonly file?: string | undefined;
  readonly events: number;
  /** Characters of one event's message, at least. */
  readonly size: number;
  /** Events in a second, at most; without it as fast as the runtime takes them. */
  readonly pace?: number | undefined;
  /** Records that are kept of the log. Default: the store's. */
  readonly logRecords?: number | undefined;
  readonly heartbeatSec?: number | undefined;
  /** Milliseconds between two looks at the memory. */
  readonly sampleMs: number;
}

/** What it tells whoever started it. */
export type FloodReport =
  | { readonly kind: "listening"; readonly url: string }
  /** The job's terminal record is durable. */
  | ({ readonly kind: "ended" } & Ended)
  | ({ readonly kind: "memory" } & Memory);

export interface Ended {
  /** Milliseconds since the flood began, and how many of them this process computed. */
  readonly ms: number;
  readonly cpu: number;
  /** In the job's log. */
  readonly records: number;
}

/** How far memory rose at most since the flood began, bytes. */
export interface Memory {
  /** What is in use after a collection: the heap, and what it holds outside of itself. */
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

/** The store, with a look at what becomes durable of the flood. */
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

const go = Promise.withResolvers<void>();
const flood = defineAgent({
  name: "flood",
  async run({ job, log }) {
    await go.promise;
    floodJob = job.id;
    usage = process.cpuUsage();
    began = performance.now();
    for (let i = 0; i < plan.events; i++) {
      await log.info(`event ${i}`.padEnd(plan.size, "."));
      if (plan.pace !== undefined && i % 256 === 0) {
        await pause(Math.max(1, began + (i / plan.pace) * 1000 - performance.now()));
      }
    }
  },
});
const echo = defineAgent({ name: "echo", run: async (_ctx, input) => input });

const limits = plan.logRecords === undefined ? {} : { logLimits: { records: plan.logRecords } };
const runtime = createRuntime({
  agents: [flood, echo],
  auth: tokenTable({ secret: "alice" }),
  store: watched(plan.file === undefined ? memoryStore(limits) : sqliteStore(plan.file, limits)),
  limits: plan.heartbeatSec === undefined ? {} : { heartbeatIntervalSec: plan.heartbeatSec },
});

function memory(): { readonly used: number; readonly rss: number } {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}

/** Looks at the memory until it is asked what it saw. */
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
  process.once("message", () => {
    look();
    tell({ kind: "memory", used: used - before.used, rss: rss - before.rss, log, samples });
  });
}

process.once("message", begin);
// Whoever started this process is gone: then so is the reason for it.
process.on("disconnect", () => process.exit());
const server = await listen({ port: 0 }, (transport) => runtime.serve(transport));
tell({ kind: "listening", url: server.url });
