import type { EventEmitter } from "node:events";
import { type Clock, systemClock } from "@arcp/core";
import { usage } from "./failure.ts";

/** A stream to write to, as `process.stdout` is one. */
export type Sink = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined;
  /** The width of the terminal, in characters. */
  readonly columns?: number | undefined;
  /** Its height, in lines. */
  readonly rows?: number | undefined;
  /** Whether what was written waits for its reader. */
  readonly writableNeedDrain?: boolean | undefined;
};

/** All that the command has of the process around it, so that a test can be that process. */
export interface Surroundings {
  /** What was asked for. */
  readonly stdout: Sink;
  /** How it goes on, and what is wrong. */
  readonly stderr: Sink;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The current directory, absolute. */
  readonly cwd: string;
  /** Emits `SIGINT` and `SIGTERM`. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  readonly clock: Clock;
}

/**
 * Those of this process, but for what is given.
 *
 * @throws LocalError `MISUSE` when the current directory is no more
 */
export function surroundings(given: Partial<Surroundings>): Surroundings {
  return {
    stdout: given.stdout ?? process.stdout,
    stderr: given.stderr ?? process.stderr,
    stdin: given.stdin ?? process.stdin,
    env: given.env ?? process.env,
    cwd: given.cwd ?? currentDirectory(),
    signals: given.signals ?? process,
    clock: given.clock ?? systemClock,
  };
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw usage("the current directory no longer exists: change to one that does");
  }
}
