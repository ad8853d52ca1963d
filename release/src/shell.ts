import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";

/** How long a text may take to come, in ms. */
const PATIENCE = 90_000;

/** A command line that goes on, as one types it into a terminal. */
export class Shell implements AsyncDisposable {
  /** Its exit code, null when it was killed. */
  readonly code: Promise<number | null>;
  readonly #child: ChildProcess;
  #told = "";
  #hasEnded = false;
  #more = Promise.withResolvers<void>();

  /** @param env beside that of this process */
  constructor(line: string, cwd: string, env: Readonly<Record<string, string>>) {
    const PATH = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;
    // A group of its own: what the line starts is killed with it.
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
    // Not at its exit already, after which its last words still come.
    child.once("close", () => {
      this.#hasEnded = true;
      this.#tell();
    });
  }

  /**
   * Waits for a text.
   *
   * @returns the match in all that was told so far
   * @throws Error with all of that, when it does not come
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

  /** Ends it and all that it started, at once. */
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
