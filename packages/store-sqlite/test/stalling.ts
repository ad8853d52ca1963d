import { type ChildProcess, fork } from "node:child_process";
import { on } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Ended, FloodPlan, FloodReport, Memory } from "./flood.ts";
import type { Finished, ReaderReport } from "./flood-reader.ts";

export type Role = "viewer" | "owner";

export interface StallPlan extends FloodPlan {
  /** Whose process stands still; undefined for nobody's. */
  readonly stalls?: Role | undefined;
  /** Milliseconds from the beginning of the flood until it stands still, and how long it does. */
  readonly stallAfter: number;
  readonly stallFor: number;
  /** Whether it stands still until the job has ended, however long that takes. */
  readonly throughEnd?: boolean | undefined;
}

/** Milliseconds that a job may take at the most. */
const PATIENCE = 100_000;

export interface Stalled {
  readonly job: string;
  readonly end: Ended;
  readonly memory: Memory;
  readonly readers: Readonly<Record<Role, Finished>>;
}

/** A process of this folder that talks by messages. */
class Child<T extends { readonly kind: string }> implements Disposable {
  readonly #process: ChildProcess;
  readonly #messages: AsyncIterator<T[]>;

  constructor(file: string, args: readonly string[], execArgv: readonly string[] = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, args, { execArgv: [...execArgv] });
    this.#messages = on(this.#process, "message", { close: ["disconnect"] });
  }

  /** @throws Error when another report comes, or the process ends without one */
  async report<K extends T["kind"]>(kind: K): Promise<Extract<T, { kind: K }>> {
    const { value } = await this.#messages.next();
    const report: T | undefined = value?.[0];
    if (report?.kind === kind) return report as Extract<T, { kind: K }>;
    throw new Error(`${JSON.stringify(report ?? "the end of its process")} in place of ${kind}`);
  }

  say(message: string): void {
    this.#process.send(message);
  }

  /** A process that stands still reads nothing, so its socket fills up, and then its peer's does. */
  async standStill(over: Promise<unknown>): Promise<void> {
    this.#process.kill("SIGSTOP");
    await over;
    this.#process.kill("SIGCONT");
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}

/**
 * A job floods, its owner and a viewer read it, and one of them stands still for a while.
 * @throws Error when a reader sees a hole or a repetition
 */
export async function stall(plan: StallPlan): Promise<Stalled> {
  using flood = new Child<FloodReport>("flood.ts", [JSON.stringify(plan)], ["--expose-gc"]);
  const { url } = await flood.report("listening");
  using owner = new Child<ReaderReport>("flood-reader.ts", [url]);
  const { job } = await owner.report("following");
  using viewer = new Child<ReaderReport>("flood-reader.ts", [url, job]);
  await viewer.report("following");
  flood.say("go");
  const ended = flood.report("ended");
  const [end, owned, viewed] = await Promise.all([
    ended,
    owner.report("finished"),
    viewer.report("finished"),
    standStill(plan, { owner, viewer }, ended),
  ]);
  flood.say("how much memory");
  const memory = await flood.report("memory");
  return { job, end, memory, readers: { owner: owned, viewer: viewed } };
}

async function standStill(
  { stalls, stallAfter, stallFor, throughEnd }: StallPlan,
  readers: Record<Role, Child<ReaderReport>>,
  ended: Promise<unknown>,
): Promise<void> {
  if (stalls === undefined) return;
  await pause(stallAfter);
  await readers[stalls].standStill(
    Promise.all([pause(stallFor), throughEnd && orLate(ended, `the job waits for its ${stalls}`)]),
  );
}

async function orLate(event: Promise<unknown>, message: string): Promise<void> {
  const late = new AbortController();
  const timer = pause(PATIENCE, "late", { signal: late.signal }).catch(() => {});
  const first = await Promise.race([event, timer]);
  late.abort();
  if (first === "late") throw new Error(message);
}
