import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { lastingPort } from "./lasting-port.ts";

/** A process that serves at one address, and can be killed and restarted there. */
export class Mortal implements AsyncDisposable {
  readonly #script: string;
  readonly #args: (port: string) => readonly string[];
  #process: ChildProcess | undefined;
  url = "";

  /** @param script in this folder; prints its address as soon as it serves */
  constructor(script: string, args: (port: string) => readonly string[]) {
    this.#script = fileURLToPath(new URL(script, import.meta.url));
    this.#args = args;
  }

  async start(): Promise<void> {
    const port = this.url === "" ? `${await lastingPort()}` : new URL(this.url).port;
    this.#process = spawn(process.execPath, [this.#script, ...this.#args(port)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.url = await this.#line();
  }

  /** Sends it a line. @returns its answer */
  ask(line: string): Promise<string> {
    const answer = this.#line();
    this.#process?.stdin?.write(`${line}\n`);
    return answer;
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #line(): Promise<string> {
    const child = this.#process;
    if (child?.stdout == null) throw new Error(`${this.#script} does not run`);
    const done = new AbortController();
    const { signal } = done;
    try {
      const ended = once(child, "exit", { signal }).then(() => {
        throw new Error(`${this.#script} has ended`);
      });
      const [line] = await Promise.race([once(child.stdout, "data", { signal }), ended]);
      return String(line).trim();
    } finally {
      done.abort();
    }
  }
}
