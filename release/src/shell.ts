import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";

/** How long to wait for a text, in ms. */
const PATIENCE = 90_000;

/** A running command line, as somebody would type it into a terminal. */
export class Shell implements AsyncDisposable {
  /** Its exit code; null if it was killed. */
  readonly code: Promise<number | null>;
  readonly #child: ChildProcess;
  #told = "";
  #hasEnded = false;
  #more = Promise.withResolvers<void>();

  /** @param env in addition to that of this process */
  constructor(line: string, cwd: string, env: Readonly<Record<string, string>>) {
    const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;
    // A process group of its own: whatever the line starts is killed with it.
    const child = spawn("bash", ["-c", line], {
      cwd,
      env: { ...process.env, PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#told += text;
        this.#tell();
      });
    }
    this.code = new Promise((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    // Not at its exit, after which its last output may still arrive.
    child.once("close", () => {
      this.#hasEnded = true;
      this.#tell();
    });
  }

  /**
   * Waits for a text.
   *
   * @returns the match in all output so far
   * @throws Error with all output, if the text does not come
   */
  async until(text: RegExp): Promise<RegExpExecArray> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#tell();
    }, PATIENCE);
    try {
      for (;;) {
        const match = text.exec(this.#told);
        if (match !== null) return match;
        if (isLate || this.#hasEnded) throw new Error(`${text} did not come:\n${this.#told}`);
        await this.#more.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills it and everything that it started. */
  async kill(): Promise<void> {
    if (!this.#hasEnded && this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGKILL");
    await this.code;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #tell(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }
}
