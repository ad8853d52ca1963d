import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Command, Ended, FloodPlan, FloodReport, Memory } from "./flood.ts";
import type { Finished, ReaderReport } from "./flood-reader.ts";

export type Role = "viewer" | "owner";

export interface StallPlan extends FloodPlan {
  /** Whose process stalls; undefined for nobody's. */
  readonly stalls?: Role | undefined;
  /** Milliseconds that it stalls, from the pause of the flood on. */
  readonly stallFor: number;
  /** Whether it stalls until the runtime has given up its connection. */
  readonly pastHeartbeats?: boolean | undefined;
  /** Whether it stalls until the job has ended, however long that takes. */
  readonly throughEnd?: boolean | undefined;
}

/** Milliseconds that a job may take at most: one that hangs never ends, and on a busy machine others take minutes. */
const PATIENCE = 900_000;

export interface Stalled {
  readonly job: string;
  readonly end: Ended;
  readonly memory: Memory;
  readonly readers: Readonly<Record<Role, Finished>>;
}

/** A process of this folder that sends each kind of message once. */
class Child<T extends { readonly kind: string }> implements Disposable {
  readonly #process: ChildProcess;
  readonly #reports = new Map<string, PromiseWithResolvers<T>>();
  /** Why nothing more comes. */
  #ending: string | undefined;

  constructor(file: string, args: readonly string[], execArgv: readonly string[] = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, args, { execArgv: [...execArgv] });
    this.#process.on("message", (report: T) => {
      if (report.kind === "failed") this.#end(JSON.stringify(report));
      else this.#slot(report.kind).resolve(report);
    });
    this.#process.once("disconnect", () => this.#end("the end of its process"));
  }

  /** @throws Error when it fails, or ends without one */
  report<K extends T["kind"]>(kind: K): Promise<Extract<T, { kind: K }>> {
    return this.#slot(kind).promise as Promise<Extract<T, { kind: K }>>;
  }

  say(message: "go" | Command): void {
    this.#process.send(message);
  }

  /** A stalled process reads nothing, so its socket fills up, and then its peer's does. */
  async standStill(meanwhile: () => Promise<unknown>): Promise<void> {
    this.#process.kill("SIGSTOP");
    await meanwhile();
    this.#process.kill("SIGCONT");
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }

  #slot(kind: string): PromiseWithResolvers<T> {
    const slot = this.#reports.get(kind) ?? Promise.withResolvers<T>();
    if (!this.#reports.has(kind)) {
      this.#reports.set(kind, slot);
      slot.promise.catch(() => {});
      if (this.#ending !== undefined) slot.reject(missing(kind, this.#ending));
    }
    return slot;
  }

  /** @param what came instead of the reports that did not */
  #end(what: string): void {
    this.#ending ??= what;
    for (const [kind, { reject }] of this.#reports) reject(missing(kind, what));
  }
}

function missing(kind: string, what: string): Error {
  return new Error(`${what} in place of ${kind}`);
}

/**
 * A job floods, its owner and a viewer read it, and one of them stalls for a while.
 * @throws Error when a reader sees a gap or a repetition
 */
export async function stall(plan: StallPlan): Promise<Stalled> {
  using flood = new Child<FloodReport>("flood.ts", [JSON.stringify(plan)], ["--expose-gc"]);
  const { url } = await flood.report("listening");
  using owner = new Child<ReaderReport>("flood-reader.ts", [url]);
  const { job } = await owner.report("following");
  using viewer = new Child<ReaderReport>("flood-reader.ts", [url, job]);
  await viewer.report("following");
  flood.say("go");
  await flood.report("break");
  const [end, owned, viewed] = await Promise.all([
    flood.report("ended"),
    owner.report("finished"),
    viewer.report("finished"),
    standStill(plan, flood, { owner, viewer }),
  ]);
  flood.say("how much memory");
  const memory = await flood.report("memory");
  return { job, end, memory, readers: { owner: owned, viewer: viewed } };
}

async function standStill(
  { stalls, stallFor, throughEnd, pastHeartbeats }: StallPlan,
  flood: Child<FloodReport>,
  readers: Record<Role, Child<ReaderReport>>,
): Promise<void> {
  if (stalls === undefined) return flood.say("go on");
  await readers[stalls].standStill(() => {
    flood.say("go on");
    if (pastHeartbeats) flood.say("let heartbeats pass");
    return Promise.all([
      pause(stallFor),
      throughEnd && orLate(flood.report("ended"), `the job waits for its ${stalls}`),
      pastHeartbeats && orLate(flood.report("given up"), `the ${stalls} is not given up`),
    ]);
  });
}

async function orLate(event: Promise<unknown>, message: string): Promise<void> {
  const late = new AbortController();
  const timer = pause(PATIENCE, "late", { signal: late.signal }).catch(() => {});
  const first = await Promise.race([event, timer]);
  late.abort();
  if (first === "late") throw new Error(message);
}
