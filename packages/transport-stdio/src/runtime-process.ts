import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Writable } from "node:stream";
import type { Clock, Timer } from "@arcp/core";
import { LastWords } from "./last-words.ts";

export interface RuntimeProcessOptions {
  /** The name of the process in errors. */
  readonly name: string;
  readonly stderr: Writable | "ignore";
  /** Milliseconds for each step of ending the process. */
  readonly closeTimeout: number;
  readonly clock: Clock;
}

/** A child process that runs a runtime, from its start to its end. */
export class RuntimeProcess {
  /** Resolves once the process has ended and everything that it wrote has been read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #options: RuntimeProcessOptions;
  readonly #lastWords = new LastWords();
  #timer: Timer | undefined;
  #parting = false;
  /** Whether its output has stayed silent although it was being read. */
  #silent = true;
  #over = false;

  constructor(child: ChildProcessWithoutNullStreams, options: RuntimeProcessOptions) {
    this.#child = child;
    this.#options = options;
    // Emitted if the process could not be killed: then it has just ended by itself.
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

  /** Makes the process end. Its input is closed by now; if that is not enough, it gets SIGTERM, and finally SIGKILL. */
  part(): void {
    if (this.#parting || this.#hasExited) return;
    this.#parting = true;
    this.#later(() => {
      this.#child.kill("SIGTERM");
      this.#later(() => this.#child.kill("SIGKILL"));
    });
  }

  /** The error that says how the process ended, for when that was unexpected. */
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

  /** Closes its streams once they are silent. Child processes may hold them open, but only its own output is waited for. */
  #letGo(): void {
    const { stdout, stderr } = this.#child;
    this.#silent = !stdout.isPaused();
    this.#later(() => {
      // One more turn of the event loop, so that data still waiting in the pipe shows up.
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
    // A target that closes while it is full never drains, and the process would block on its next line.
    for (const event of ["drain", "close"]) target.on(event, goOn);
    stderr.pause();
  }

  #later(step: () => void): void {
    this.#timer?.cancel();
    if (this.#over) return;
    this.#timer = this.#options.clock.after(this.#options.closeTimeout, step);
  }
}

/** Ignores a broken pipe if nobody listens for errors of the target: as with `console.error`, it must not end this process. */
function survive(target: Writable, error: Error | null | undefined): void {
  const broken = error != null && "code" in error && error.code === "EPIPE";
  if (broken && target.listenerCount("error") === 0) target.once("error", () => {});
}
