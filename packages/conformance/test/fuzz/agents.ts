import { setTimeout as pause } from "node:timers/promises";
import { ArcpError, type Clock, sleep } from "@arcp/core";
import { type AgentContext, type AnyAgent, defineAgent } from "@arcp/runtime";
import { z } from "zod/mini";

/** What every agent of the fuzzer is told. Mutated submits tell it something else. */
export interface Task {
  readonly size: number;
}

const EVENT = "x-vendor.fuzz.event";

/** Half of what goes on at the same time is in another turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const sizeOf = (input: unknown): number => {
  const { size } = (input ?? {}) as Partial<Task>;
  return typeof size === "number" && size >= 0 && size <= 1_000 ? Math.trunc(size) : 3;
};

async function talk(ctx: AgentContext, size: number, text: string): Promise<void> {
  for (let i = 1; i <= size && !ctx.signal.aborted; i++) {
    await ctx.emit(EVENT, { i, text });
    if (i % 3 === 0) await turn();
  }
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

type Run = (ctx: AgentContext, size: number, input: unknown) => unknown;

/** What agents do, each its own trouble. */
const runs = (clock: Clock): Record<string, Run> => ({
  echo: (_ctx, _size, input) => input ?? null,
  talk: async (ctx, size) => {
    await talk(ctx, size, "a word");
    return { size };
  },
  /** More than the buffers of a stalled reader hold. */
  flood: async (ctx, size) => {
    await talk(ctx, size * 4, "x".repeat(16_384));
  },
  stream: async (ctx, size) => {
    for (let i = 0; i <= size; i++) {
      await ctx.result.write(`piece ${i} déjà vu 漢字 🦉\n`);
      if (i % 5 === 0) await talk(ctx, 1, "between pieces");
    }
  },
  slow: async (ctx, size) => {
    await ctx.progress({ current: 0, total: size });
    await sleep(clock, size * 50, ctx.signal);
    await ctx.progress({ current: size, total: size });
  },
  wait: async (ctx) => {
    await ctx.status("waiting");
    await stopped(ctx.signal);
    throw ctx.signal.reason;
  },
  /** Returns in spite of a cancel, and speaks on. */
  linger: async (ctx, size) => {
    await stopped(ctx.signal);
    for (let i = 0; i < size; i++) await ctx.thought(`after the end ${i}`);
    return "all the same";
  },
  /** Never comes back. */
  deaf: async (ctx) => {
    await ctx.thought("what?");
    await stopped(ctx.signal);
    await ctx.thought("what was that?");
    await new Promise(() => {});
  },
  fail: async (ctx, size) => {
    await ctx.thought("this will not work");
    if (size % 4 === 0) throw new Error("secret: /srv/keys/id_rsa");
    if (size % 4 === 1) throw undefined;
    throw new ArcpError("AGENT_NOT_AVAILABLE", "closed today", { details: { size } });
  },
  spend: async (ctx, size) => {
    for (let i = 0; i < size; i++) {
      await ctx.metric({ name: "cost.fuzz", value: 0.1, unit: "USD" });
      await ctx.tools.call("web.search", { i }).catch(() => {});
    }
    const reservation = ctx.spend.reserve({ USD: "0.01" });
    await turn();
    if (size % 2 === 0) reservation.release();
    return ctx.budget.remaining();
  },
  parent: async (ctx, size) => {
    const names = ["talk", "wait", "fail", "deaf", "stream", "parent"];
    const children = await Promise.allSettled(
      names
        .slice(0, 1 + (size % names.length))
        .map((name) => ctx.delegate(name, { size: size % 7 })),
    );
    for (const child of children) {
      if (child.status === "fulfilled" && size % 2 === 0) await child.value.cancel("enough");
    }
    const [first] = children;
    if (first?.status === "fulfilled") await first.value.result().catch(() => {});
    await talk(ctx, 2, "the children are out");
  },
});

const names = Object.keys(runs({} as Clock));

/** As they are submitted: some do not exist. */
export const agentNames: readonly string[] = [
  "talk",
  ...names,
  "versioned",
  "versioned@1.0.0",
  "versioned@9.9.9",
  "strict",
  "nobody",
  "Talk",
];

/** @param clock what agents wait by */
export function fuzzAgents(clock: Clock): AnyAgent[] {
  const agents = Object.entries(runs(clock)).map(([name, run]) =>
    defineAgent({
      name,
      run: (ctx: AgentContext, input: unknown) => run(ctx, sizeOf(input), input),
    }),
  );
  const versioned = ["1.0.0", "2.0.0"].map((version) =>
    defineAgent({ name: "versioned", version, run: async () => version }),
  );
  const strict = defineAgent({
    name: "strict",
    input: z.object({ size: z.number().check(z.maximum(10)) }),
    output: z.object({ fine: z.literal(true) }),
    run: async (_ctx, { size }) => ({ fine: size < 5 }) as { fine: true },
  });
  return [...agents, ...versioned, strict, steady];
}

/**
 * The job of whoever does nothing wrong. It lives by the real clock, and waits for its store: otherwise a slow disk would let it
 * write more than its log keeps before its owner can read any of it, and end that owner's connection (R-6.3-17).
 */
const steady = defineAgent({
  name: "steady",
  async run(ctx: AgentContext) {
    for (let i = 1; !ctx.signal.aborted; i++) {
      await ctx.emit("x-vendor.fuzz.tick", { i });
      await ctx.flush();
      await pause(5);
    }
    throw ctx.signal.reason;
  },
});
