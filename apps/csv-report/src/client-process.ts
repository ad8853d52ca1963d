import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const program = fileURLToPath(new URL("client.ts", import.meta.url));

/** What the client prints, line by line. */
const Line = z.union([
  z.object({ session: z.string(), job: z.string() }),
  z.object({ rows: z.int() }),
  z.object({ events: z.int(), inOrder: z.boolean(), left: z.number() }),
]);
export type Line = z.infer<typeof Line>;

/** The client as a process of its own, which can be killed. */
export class ClientProcess implements AsyncDisposable {
  /** Its output, until it ends. */
  readonly lines: AsyncIterable<Line>;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;

  constructor(args: readonly string[]) {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    this.#exit = once(child, "exit");
    this.lines = (async function* () {
      for await (const line of createInterface(child.stdout)) yield Line.parse(JSON.parse(line));
    })();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves once it is gone, with its exit code, or null when it was killed. */
  async ended(): Promise<unknown> {
    const [code] = await this.#exit;
    return code;
  }

  /** SIGKILL: it gets no chance to say or write anything. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
