import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Writable } from "node:stream";
import {
  type Clock,
  checkOptions,
  type Dial,
  isObject,
  LocalError,
  type OptionRules,
  rule,
  systemClock,
  TransportClosedError,
} from "@arcp/core";
import { RuntimeProcess } from "./runtime-process.ts";
import { STREAM_RULES, StreamTransport } from "./stream-transport.ts";

/** What can be a message, or stands for one that could not be read. */
const MESSAGE = /^(\s*\{|\0)/;

/** How a runtime is started, and how it is taken down. */
export interface SpawnOptions {
  /** The directory to start it in, this process's own by default. */
  readonly cwd?: string | undefined;
  /** Its whole environment, this process's own by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where its standard error goes, `process.stderr` by default. Its last lines are in the error when it fails. */
  readonly stderr?: Writable | "ignore" | undefined;
  /** The bytes that one inbound line may have, 16 MiB by default; what a longer one said is lost (R-4.2-4). */
  readonly maxMessageSize?: number | undefined;
  /** Milliseconds that it has to end once its input was closed, and again after SIGTERM; then SIGKILL. 5,000 by default. */
  readonly closeTimeout?: number | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock | undefined;
}

const RULES: OptionRules<SpawnOptions> = {
  cwd: rule.text,
  env: rule.some("an object, such as process.env", isObject),
  stderr: rule.some(
    'a stream to write to, or "ignore"',
    (value) => value === "ignore" || rule.having<Writable>("", "write").fits(value),
  ),
  ...STREAM_RULES,
};

/**
 * A way to a runtime that is a child process and speaks on its standard streams, such as
 * `spawnRuntime("node", ["agents.js"])`. Each call starts a new one, once those before it that were parted from have ended,
 * since they may still hold the store. Closing the transport ends the process.
 *
 * It rejects with the signal's reason, the process killed, or with a `TransportClosedError` when the command cannot be
 * started. A process that ends by itself fails the transport with its exit code and the end of its standard error.
 *
 * @throws LocalError `MISUSE` for what is no command, and for an option of another kind or that there is not
 */
export function spawnRuntime(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Dial {
  if (!(rule.text.fits(command) && rule.texts.fits(args))) {
    throw new LocalError(
      "MISUSE",
      'spawnRuntime takes a command and an array: "node", ["agents.js"]',
    );
  }
  checkOptions("spawnRuntime", options, RULES);
  const { cwd, env, clock = systemClock, closeTimeout = 5_000 } = options;
  const { stderr = process.stderr, maxMessageSize = 16 * 1024 * 1024 } = options;
  const parting = new Set<Promise<void>>();
  return async (signal) => {
    await orAborted(Promise.all(parting), signal);
    const child = await started(command, args, { cwd, env }, signal);
    const runtime = new RuntimeProcess(child, { name: command, stderr, closeTimeout, clock });
    const leave = (): void => {
      parting.add(runtime.ended);
      void runtime.ended.then(() => parting.delete(runtime.ended));
      runtime.part();
    };
    return new StreamTransport(
      child.stdout,
      child.stdin,
      { maxMessageSize, closeTimeout, clock },
      {
        async explain() {
          // It can be of no more use, also if it only closed its output.
          child.stdin.end();
          leave();
          await runtime.ended;
          return runtime.epitaph;
        },
        greet: (line) => (MESSAGE.test(line) ? undefined : noMessage(command, line)),
        over: leave,
      },
    );
  };
}

interface Place {
  readonly cwd: string | undefined;
  readonly env: SpawnOptions["env"] | undefined;
}

/** @throws TransportClosedError when it cannot be started */
async function started(
  command: string,
  args: readonly string[],
  { cwd, env }: Place,
  signal: AbortSignal,
): Promise<ChildProcessWithoutNullStreams> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcessWithoutNullStreams>();
  signal.throwIfAborted();
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(command, args, { cwd, env, stdio: "pipe", windowsHide: true });
  } catch (error) {
    throw notStarted(command, cwd, error);
  }
  child.on("error", (error) => reject(notStarted(command, cwd, error)));
  child.once("spawn", () => resolve(child));
  try {
    return await orAborted(promise, signal);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

function notStarted(
  command: string,
  cwd: string | undefined,
  error: unknown,
): TransportClosedError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const why =
    cwd !== undefined && code === "ENOENT" && !existsSync(cwd)
      ? `there is no directory ${cwd}`
      : code === "ENOENT"
        ? "there is no such command"
        : error instanceof Error
          ? error.message
          : String(error);
  return new TransportClosedError(undefined, {
    cause: new Error(`the runtime (${command}) could not be started: ${why}`, { cause: error }),
  });
}

function noMessage(command: string, line: string): Error {
  const shown = JSON.stringify(line.slice(0, 200));
  return new Error(
    `the runtime (${command}) wrote something other than a message to its standard output: ${shown}; it has to log to stderr`,
  );
}

/** @throws the signal's reason when it aborts first */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
