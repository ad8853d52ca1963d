import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Writable } from "node:stream";
import type { Clock, Timer } from "@arcp/core";
import { LastWords } from "./last-words.ts";

export interface RuntimeProcessOptions {
  /** What it is called in an error. */
  readonly name: string;
  readonly stderr: Writable | "ignore";
  /** Milliseconds for each step on the way to its end. */
  readonly closeTimeout: number;
  readonly clock: Clock;
}

/** A process that was started as a runtime, from its start to its end. */
export class RuntimeProcess {
  /** Resolves once it has ended and all that it wrote was read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #options: RuntimeProcessOptions;
  readonly #lastWords = new LastWords();
  #timer: Timer | undefined;
  #parting = false;
  /** Nothing came from its output, though it was read. */
  #silent = true;
  #over = false;

  constructor(child: ChildProcessWithoutNullStreams, options: RuntimeProcessOptions) {
    this.#child = child;
    this.#options = options;
    // Says that it could not be killed: then it has just ended by itself.
    child.on("error", () => {});
    child.stderr.on("error", () => {});
    child.stderr.on("data", (chunk: Buffer) => this.#overhear(chunk));
    for (const sign of ["data", "pause"]) {
      child.stdout.on(sign, () => {
        this.#silent = false;
      });
    }
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    child.once("close", () => {
      this.#over = true;
      this.#timer?.cancel();
      ended.resolve();
    });
    child.once("exit", () => this.#letGo());
  }

  /** It is to end: its input is closed by now, and if that is not enough it is told, and in the end made to. */
  part(): void {
    if (this.#parting || this.#hasExited) return;
    this.#parting = true;
    this.#later(() => {
      this.#child.kill("SIGTERM");
      this.#later(() => this.#child.kill("SIGKILL"));
    });
  }

  /** How it ended, for whoever did not expect that. */
  get epitaph(): Error {
    const { exitCode, signalCode } = this.#child;
    const how =
      signalCode === null
        ? `exited with code ${exitCode}`
        : `was ended by the signal ${signalCode}`;
    const words = `${this.#lastWords}`;
    const said = words === "" ? "it wrote nothing to stderr" : `it last wrote to stderr:\n${words}`;
    return new Error(`the runtime (${this.#options.name}) ${how}; ${said}`);
  }

  get #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Its streams may be held open by processes of its own, which nobody waits for; what it wrote itself is read. */
  #letGo(): void {
    const { stdout, stderr } = this.#child;
    this.#silent = !stdout.isPaused();
    this.#later(() => {
      // Once more round the event loop, so that what waits in the pipe has shown.
      setImmediate(() => {
        if (!this.#silent) return this.#letGo();
        stdout.destroy();
        stderr.destroy();
      });
    });
  }

  #overhear(chunk: Buffer): void {
    this.#lastWords.add(chunk);
    const { stderr: target } = this.#options;
    if (target === "ignore" || !target.writable) return;
    if (target.write(chunk, (error) => survive(target, error))) return;
    const { stderr } = this.#child;
    const goOn = (): void => {
      for (const event of ["drain", "close"]) target.off(event, goOn);
      stderr.resume();
    };
    // A target that is given up while it is full drains no more, and the process would wait for that in its next line.
    for (const event of ["drain", "close"]) target.on(event, goOn);
    stderr.pause();
  }

  #later(step: () => void): void {
    this.#timer?.cancel();
    if (this.#over) return;
    this.#timer = this.#options.clock.after(this.#options.closeTimeout, step);
  }
}

/** Whoever read the target is gone, and nobody listens for that: no reason to end this process, as with `console.error`. */
function survive(target: Writable, error: Error | null | undefined): void {
  const broken = error != null && "code" in error && error.code === "EPIPE";
  if (broken && target.listenerCount("error") === 0) target.once("error", () => {});
}
