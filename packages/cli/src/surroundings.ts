import type { EventEmitter } from "node:events";
import { type Clock, systemClock } from "@arcp/core";
import { usage } from "./failure.ts";

/** A stream to write to, such as `process.stdout`. */
export type Sink = NodeJS.WritableStream & {
  readonly isTTY?: boolean | undefined;
  /** The width of the terminal, in characters. */
  readonly columns?: number | undefined;
  /** Its height, in lines. */
  readonly rows?: number | undefined;
  /** Whether written data waits for its reader. */
  readonly writableNeedDrain?: boolean | undefined;
};

/** Everything that the command uses of its process, so that a test can replace it. */
export interface Surroundings {
  /** For the results. */
  readonly stdout: Sink;
  /** For progress and errors. */
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
 * The surroundings of this process, except for those given.
 *
 * @throws LocalError `MISUSE` if the current directory no longer exists
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
