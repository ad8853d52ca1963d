import { ArcpError, type Clock, sleep } from "@arcp/core";
import Big from "big.js";
import type { AgentContext } from "../../src/agents/context.ts";
import { settled } from "../held-store.ts";
import { bytesOf, textOf } from "./pieces.ts";
import type { Amounts, Op } from "./program.ts";
import type { Piece, World } from "./world.ts";

/** One run of an agent. */
export interface Scene {
  readonly ctx: AgentContext;
  readonly world: World;
  /** Of the process that it runs in. */
  readonly generation: number;
  readonly clock: Clock;
}

type Deeds = {
  readonly [Name in Op["op"]]: (scene: Scene, op: Extract<Op, { op: Name }>) => Promise<unknown>;
};

/** What every job may do; its budgets are requested separately. */
export const leaseOf = (budget?: Amounts) => ({
  "tool.call": ["ok", "slow", "fails", "spends", "nobody"],
  "agent.delegate": ["storm", "hardy"],
  "model.use": ["m/*"],
  ...(budget && { "cost.budget": Object.entries(budget).map(([unit, n]) => `${unit}:${n}`) }),
});

export const isAlive = ({ world, generation }: Scene): boolean => generation === world.generation;

/** What agents do, by the name that programs use. */
export const deeds: Deeds = {
  say: async ({ ctx }, { n, size }) => {
    for (let i = 0; i < n; i++) await ctx.log.info("s".repeat(size), { i });
  },
  flood: async ({ ctx, world }) => {
    try {
      for (let i = 0; i < 5000; i++) void ctx.thought("f");
    } catch (error) {
      world.count("backpressure");
      await (error as { relieved: Promise<void> }).relieved;
    }
  },
  cost: (scene, { unit, amount }) => cost(scene, "cost.storm", amount, unit),
  call: async ({ ctx, world }, { tool, n }) => {
    const calls = Array.from({ length: n }, () => ctx.tools.call(tool, mark(world)));
    await Promise.all(calls);
  },
  model: async (scene, { reserve, used, reports, how }) => {
    const { ctx, world, generation, clock } = scene;
    const most = reserve === 0 ? {} : { reserve: { input: reserve * 100_000 } };
    const { id } = ctx.job;
    const uses = (tokens: number) => {
      world.ledger.spend(generation, id, costOf(tokens));
      return { input: tokens };
    };
    const reported = used * 70_000;
    const usageOf = (): Record<string, number> => {
      if (how !== "unknown") return uses(used * 50_000);
      uses(Math.max(0, reserve * 100_000 - reports * reported));
      return { nothing: 1 };
    };
    await ctx.model("m/1", most).call(
      async ({ report }) => {
        world.acts(ctx.job.id, "models", generation);
        for (let i = 0; i < reports; i++) await report(uses(reported));
        if (how === "slow") await sleep(clock, 300);
        if (how === "throw") throw new Error("the model failed");
      },
      reports > 0 && how !== "unknown" ? undefined : usageOf,
    );
  },
  reserve: async (scene, { amounts, actual, next, turns }) => {
    const { ctx, world, generation } = scene;
    const reservation = ctx.spend.reserve(amounts);
    const free = isAlive(scene) ? world.hold(ctx.job.id, { ...amounts }) : () => {};
    await settled(turns);
    if (next === "leave") return;
    free();
    const [first, second] = next.split(", ");
    if (first === "release") reservation.release();
    else {
      world.ledger.spend(generation, ctx.job.id, actual ?? amounts);
      await reservation.settle(actual);
    }
    if (second === undefined) return;
    // Nothing more comes of it, whether or not its job is over by now.
    await settled(turns);
    await reservation.settle(actual);
  },
  delegate: async (scene, { agent, script, budget, maxRuntimeSec, expiresIn, next, turns }) => {
    const { ctx, world, clock } = scene;
    const expiresAt = expiresIn === undefined ? undefined : new Date(clock.now() + expiresIn);
    const child = await ctx.delegate(
      agent,
      { script },
      {
        lease: leaseOf(budget),
        ...(maxRuntimeSec !== undefined && { maxRuntimeSec }),
        ...(expiresAt && { expiresAt }),
      },
    );
    if (isAlive(scene)) world.count("children");
    await settled(turns);
    if (next.includes("cancel")) await child.cancel("enough");
    if (!next.includes("result")) return;
    const value = await child.result();
    if (isAlive(scene)) world.hears(child.id, value);
  },
  write: async (scene, { kind, size, seed, isCut, isSecret }) => {
    const secret = isSecret ? secretOf(scene) : "";
    if (kind === "bytes") {
      const bytes = Buffer.concat([bytesOf(size, seed), Buffer.from(secret)]);
      const written = write(scene, bytes);
      // The agent owns it again.
      bytes.fill(7);
      return await written;
    }
    const text = `${textOf(size, seed)}${secret}${isCut ? "🦉" : "!"}`;
    await Promise.all([write(scene, text.slice(0, -1)), write(scene, text.slice(-1))]);
  },
  leak: async (scene, { where }) => {
    const { ctx, world } = scene;
    const secret = secretOf(scene);
    if (secret === "") return;
    world.count("leaks");
    if (where === "log") await ctx.log.info(`key ${secret} !`, { [secret]: secret });
    if (where === "end of a text") await ctx.log.info(`key ${secret.slice(0, 12)}…`);
    if (where === "phase") await ctx.status(`with ${secret}`);
    if (where === "call") await ctx.tools.call("ok", { ...mark(world), secret });
    if (where === "checkpoint") await ctx.checkpoint({ secret });
    if (where === "input")
      await ctx.delegate("storm", { script: [], secret }, { lease: leaseOf() });
    if (where === "error") throw new Error(`bad key ${secret}`);
  },
  checkpoint: async (scene) => {
    const { ctx, world } = scene;
    const n = world.unique();
    const sure = world.checkpoint(ctx.job.id, n);
    await ctx.checkpoint({ n });
    if (isAlive(scene) && !ctx.signal.aborted) sure();
  },
  flush: ({ ctx }) => ctx.flush(),
  progress: ({ ctx }) => ctx.progress({ current: 2, total: 1 }),
  pause: (_, { turns }) => settled(turns),
  sleep: ({ clock }, { ms }) => sleep(clock, ms),
  /** Whether or not it obeys the signal to stop. */
  stop: async ({ ctx: { signal } }) => {
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
  authorize: async ({ ctx, world, generation }) => {
    ctx.authorize("tool.call", "ok");
    world.acts(ctx.job.id, "authorizations", generation);
  },
  /** Goes on after its own end. */
  linger: async (scene, { n }) => {
    const { ctx, world } = scene;
    for (let i = 0; i < n; i++) {
      await settled(1 + i);
      const late = [
        ctx.log.info("lingering"),
        cost(scene, "cost.late", "0.1", "USD"),
        ctx.tools.call("ok", mark(world)),
        ctx.delegate("storm", { script: [] }, { lease: leaseOf() }),
      ];
      void Promise.allSettled(late);
    }
  },
  refuse: async () => {
    throw new ArcpError("AGENT_NOT_AVAILABLE", "closed today", { details: { until: "morning" } });
  },
};

/** By this the record that announces a call is found. */
const mark = (world: World): { readonly mark: string } => ({ mark: `call ${world.unique()}` });

/** Of tokens, as exact text (`models` of the storm). */
const costOf = (tokens: number): Amounts => ({
  USD: new Big(tokens).div(1_000_000).toFixed(),
  EUR: new Big(tokens).div(2_000_000).toFixed(),
});

/** @throws at once what the runtime refuses it with */
function cost(
  { ctx, world, generation }: Scene,
  name: string,
  amount: string,
  unit: string,
): Promise<void> {
  const told = ctx.metric({ name, value: Number(amount), unit });
  world.ledger.spend(generation, ctx.job.id, { [unit]: amount });
  return told;
}

const secretOf = ({ ctx }: Scene): string => [...ctx.credentials.values()][0]?.value ?? "";

function write(scene: Scene, piece: Piece): Promise<void> {
  const { ctx, world } = scene;
  const written = ctx.result.write(piece);
  const own = typeof piece === "string" ? piece : Uint8Array.from(piece);
  if (isAlive(scene)) world.wrote(ctx.job.id, own);
  return written;
}
