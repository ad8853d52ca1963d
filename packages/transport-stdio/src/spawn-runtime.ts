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

/** A line that can be a message, or that stands for an unreadable one. */
const MESSAGE = /^(\s*\{|\0)/;

/** How to start a runtime, and how to end it. */
export interface SpawnOptions {
  /** The working directory; that of this process by default. */
  readonly cwd?: string | undefined;
  /** The complete environment; that of this process by default. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where its standard error goes; `process.stderr` by default. If the runtime fails, the error contains the last lines. */
  readonly stderr?: Writable | "ignore" | undefined;
  /** The longest inbound line, in bytes; 16 MiB by default. A longer one is lost (R-4.2-4). */
  readonly maxMessageSize?: number | undefined;
  /** Milliseconds that it has to end after its input is closed, and again after SIGTERM; then SIGKILL. 5,000 by default. */
  readonly closeTimeout?: number | undefined;
  /** The source of time. Default: the system's clock. */
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
 * Makes the dial function for a runtime that runs as a child process and speaks on its standard streams, for example
 * `spawnRuntime("node", ["agents.js"])`. Each call of that function starts a new process, but only after earlier ones that are
 * being closed have ended, since they may still hold the store. Closing the transport ends the process.
 *
 * It rejects with the signal's reason, after killing the process, or with a `TransportClosedError` if the command cannot be
 * started. If the process ends by itself, the transport fails with its exit code and the end of its standard error.
 *
 * @throws LocalError `MISUSE` for anything but a command, and for an unknown or invalid option
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
          // The process is of no more use, even if it only closed its output.
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

/** @throws TransportClosedError if the process cannot be started */
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

/** @throws the signal's reason if it aborts first */
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
