import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { CallMessage, CallOutcome, Calls } from "./calls.ts";

/** Milliseconds after which a call has failed; the longest takes seconds. */
const CALL_TIMEOUT = 60_000;
/** Milliseconds that a child has to end by itself. */
const END_TIMEOUT = 2_000;

/**
 * A Node process of its own that answers calls, one at a time. Disposing ends it, and the process also ends when its parent has
 * ended.
 */
export class Child<C extends Calls> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #gone: Promise<CallOutcome>;

  /**
   * @param file beside this one
   * @param core the processor core to stay on; undefined for any
   * @param nodeOptions such as `--expose-gc`
   */
  constructor(file: string, core: number | undefined, nodeOptions: readonly string[] = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const [command = "", ...args] = [
      ...(core === undefined ? [] : ["taskset", "-c", String(core)]),
      process.execPath,
      ...nodeOptions,
      path,
    ];
    // taskset replaces itself with the program that it starts, so the process id and the channel are the child's own.
    this.#process = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#gone = new Promise((resolve) => {
      const gone = (how: unknown) => resolve({ ok: false, problem: `the process is gone: ${how}` });
      this.#process.once("error", (error) => gone(error.message));
      this.#process.once("exit", (code, signal) => gone(signal ?? code));
    });
  }

  /** Rejects with the child's own error, when it ends, or when it takes too long. */
  async call<K extends keyof C & string>(
    name: K,
    argument: Parameters<C[K]>[0],
  ): Promise<Awaited<ReturnType<C[K]>>> {
    const message: CallMessage = { name, argument };
    const answered = once(this.#process, "message").then(([outcome]) => outcome as CallOutcome);
    this.#process.send(message);
    const settled = new AbortController();
    try {
      const outcome = await Promise.race([answered, this.#gone, tooLong(settled.signal)]);
      if (!outcome.ok) throw new Error(`${name}: ${outcome.problem}`);
      // The child answers with the same type of calls.
      return outcome.value as Awaited<ReturnType<C[K]>>;
    } finally {
      settled.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const killer = globalThis.setTimeout(() => this.#process.kill("SIGKILL"), END_TIMEOUT);
    await this.#gone;
    clearTimeout(killer);
  }
}

async function tooLong(signal: AbortSignal): Promise<CallOutcome> {
  await setTimeout(CALL_TIMEOUT, undefined, { signal }).catch(() => {});
  return { ok: false, problem: `no answer in ${CALL_TIMEOUT} ms` };
}
