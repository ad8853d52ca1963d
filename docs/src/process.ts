import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "./repository.ts";

/** Milliseconds after which a program is taken to hang. */
const DEADLINE = 90_000;

/** What one of them has compiled, the next one loads: a fifth of the time that it takes to start. */
const NODE_COMPILE_CACHE = join(root, "docs/dist/compile-cache");

export interface Exit {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly hung: boolean;
}

export interface ProcessOptions {
  /** Milliseconds that it may take. Default: 90,000 */
  readonly deadline?: number | undefined;
  /** The Node that runs it. Default: this one */
  readonly node?: string;
}

/** A Node program in a process of its own, ended at the deadline at the latest. */
export class Process implements AsyncDisposable {
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #firstLine = Promise.withResolvers<string>();
  #stdout = "";
  #stderr = "";
  #hung = false;

  constructor(
    args: readonly string[],
    cwd: string,
    { deadline = DEADLINE, node = process.execPath }: ProcessOptions = {},
  ) {
    const child = spawn(node, args, {
      cwd,
      env: { ...process.env, NODE_COMPILE_CACHE },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      if (this.#stdout.includes("\n"))
        this.#firstLine.resolve(this.#stdout.split("\n", 1)[0] ?? "");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    const late = setTimeout(() => {
      this.#hung = true;
      child.kill("SIGKILL");
    }, deadline);
    this.exit = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        clearTimeout(late);
        this.#firstLine.reject(new Error(`it ended without a word: ${this.#stderr}`));
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr, hung: this.#hung });
      });
    });
    this.#firstLine.promise.catch(() => {});
  }

  /** Whether it has not ended yet. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The first line that it prints. Rejects when it ends before. */
  get firstLine(): Promise<string> {
    return this.#firstLine.promise;
  }

  /** Ends it, if it has not ended by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.exit;
  }
}
