import { EventEmitter } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { type Clock, systemClock } from "@arcp/core";
import { ONE_PRESS } from "../src/interrupts.ts";
import { run } from "../src/program.ts";
import type { Surroundings } from "../src/surroundings.ts";

/** What one run of the command came to. */
export interface Played {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface PlayedOptions extends Partial<Omit<Surroundings, "stdin" | "stdout" | "stderr">> {
  readonly stdin?: string | Uint8Array;
  /** The width of the terminal that it runs in; a pipe without. */
  readonly columns?: number;
}

/** A run of the command that goes on: what it wrote so far, and the keys to press. */
export class Playing {
  readonly signals = new EventEmitter();
  readonly done: Promise<Played>;
  #presses = 0;
  #written = "";
  #complaints = "";
  #more = Promise.withResolvers<void>();

  constructor(
    args: readonly string[],
    { stdin, columns, clock = systemClock, ...given }: PlayedOptions = {},
  ) {
    const stdout = this.#sink(columns, (text) => {
      this.#written += text;
    });
    const stderr = this.#sink(columns, (text) => {
      this.#complaints += text;
    });
    const input = Readable.from(stdin === undefined ? [] : [stdin]);
    this.done = run(args, {
      env: {},
      signals: this.signals,
      ...given,
      clock: this.#pressing(clock),
      stdin: Object.assign(input, { isTTY: stdin === undefined }),
      stdout,
      stderr,
    }).then((code) => ({ code, out: this.#written, err: this.#complaints }));
  }

  get out(): string {
    return this.#written;
  }

  get err(): string {
    return this.#complaints;
  }

  /** One press, however soon after another one. */
  interrupt(signal: "SIGINT" | "SIGTERM" = "SIGINT"): void {
    this.#presses += 1;
    this.signals.emit(signal, signal);
  }

  /** Resolves once what was written, to either stream, fits the pattern; rejects when the run ends before. */
  async until(pattern: RegExp): Promise<void> {
    let over = false;
    const end = this.done.then(() => {
      over = true;
    });
    while (!pattern.test(this.#written + this.#complaints)) {
      if (over) throw new Error(`ended before ${pattern}: ${this.#written}${this.#complaints}`);
      await Promise.race([end, this.#more.promise]);
    }
  }

  /** The same clock, where presses take their time. */
  #pressing(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + this.#presses * ONE_PRESS,
      after: (ms, fire) => clock.after(ms, fire),
    };
  }

  #sink(columns: number | undefined, take: (text: string) => void): PassThrough {
    const sink = new PassThrough().setEncoding("utf8");
    sink.on("data", (text: string) => {
      take(text);
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    });
    return columns === undefined ? sink : Object.assign(sink, { isTTY: true, columns });
  }
}

/** Runs the command to its end, as a pipe sees it unless there are `columns`. */
export function arcp(args: readonly string[], options?: PlayedOptions): Promise<Played> {
  return new Playing(args, options).done;
}

/** A directory of one's own that goes with its disposal. */
export async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "arcp-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
