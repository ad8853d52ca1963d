import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("runtime.ts", import.meta.url));

/** The runtime as a process of its own, which can be killed. */
export class RuntimeProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** @param port 0 picks a free one @throws if it ends before it listens */
  static async start(file: string, port: string): Promise<RuntimeProcess> {
    const child = spawn(process.execPath, [program, file, port], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the runtime ended with ${code} before it was ready`);
    });
    const [url] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
    ended.catch(() => {});
    return new RuntimeProcess(child, String(url));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** SIGKILL: it gets no chance to say or write anything. Resolves once it has ended. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
