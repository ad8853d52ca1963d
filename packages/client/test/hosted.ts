import { linkedPair } from "@arcp/core";
import { createRuntime, defineAgent, type RuntimeOptions, tokenTable } from "@arcp/runtime";
import { type Client, type ConnectOptions, connect, type JobEvent } from "../src/index.ts";

/** Emits numbered events, one `log` each, until it is told its last one; hangs then, when that is to come. */
export class Counting {
  #told = Promise.withResolvers<void>();
  #until = 0;
  #isOver = false;

  readonly agent = defineAgent({
    name: "counting",
    run: async (ctx) => {
      const aborted = new Promise<never>((_, reject) => {
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true });
      });
      aborted.catch(() => {});
      for (let n = 1; ; n++) {
        while (n > this.#until) {
          if (this.#isOver) return n - 1;
          await Promise.race([this.#told.promise, aborted]);
        }
        await ctx.log.info(`${n}`);
      }
    },
  });

  /** Lets it come to this number. */
  upTo(n: number): void {
    this.#until = n;
    this.#told.resolve();
    this.#told = Promise.withResolvers();
  }

  /** Lets it return once it has come there. */
  end(): void {
    this.#isOver = true;
    this.upTo(this.#until);
  }
}

/** A real runtime, and connections to it that a test can break. */
export class Hosted implements AsyncDisposable {
  readonly counting = new Counting();
  readonly runtime;
  readonly #lines = new Set<ReturnType<typeof linkedPair>>();

  constructor(options: Partial<RuntimeOptions> = {}) {
    this.runtime = createRuntime({
      auth: tokenTable({ secret: "alice", other: "bob" }),
      ...options,
      agents: [this.counting.agent, ...(options.agents ?? [])],
    });
  }

  #isPlugged = true;

  readonly dial = async () => {
    if (!this.#isPlugged) throw new Error("unplugged");
    const line = linkedPair();
    this.#lines.add(line);
    this.runtime.serve(line.runtime);
    return line.client;
  };

  connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    return connect(this.dial, { token: "secret", ...options });
  }

  /** Breaks every connection, and lets none be made. */
  unplug(): void {
    this.#isPlugged = false;
    this.sever();
  }

  plugIn(): void {
    this.#isPlugged = true;
  }

  /** Breaks every connection without a word. */
  sever(): void {
    for (const line of this.#lines) line.sever();
    this.#lines.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.close();
  }
}

/** The numbers that a counting job logged; fails on everything else but its beginning. */
export function numbers(events: readonly JobEvent[]): number[] {
  return events.flatMap((event) => {
    if (event.kind === "status" && event.body.phase === "running") return [];
    if (event.kind !== "log") throw new Error(`unexpected ${event.kind}`);
    return [Number(event.body.message)];
  });
}

/** Resolves once a reader of its own has come to this number. */
export async function reachedNumber(events: AsyncIterable<JobEvent>, n: number): Promise<void> {
  for await (const event of events) {
    if (event.kind === "log" && event.body.message === `${n}`) return;
  }
  throw new Error(`the job ended before ${n}`);
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
