import type { Clock } from "@arcp/core";
import { type AnyAgent, defineAgent } from "../../src/agents/agent.ts";
import type { AgentContext } from "../../src/agents/context.ts";
import { deeds, isAlive, type Scene } from "./deeds.ts";
import { oddResult } from "./pieces.ts";
import type { Op, Script } from "./program.ts";
import type { World } from "./world.ts";

/** Agents that do what their input says: one of them is restarted when the process dies. */
export function stormAgents(world: World, clock: Clock): AnyAgent[] {
  const { generation } = world;
  const run = (ctx: AgentContext, input: unknown): Promise<unknown> =>
    play({ ctx, world, generation, clock }, (input as { script: Script }).script);
  return [defineAgent({ name: "storm", run }), defineAgent({ name: "hardy", attempts: 3, run })];
}

async function play(scene: Scene, script: Script): Promise<unknown> {
  const { ctx, world } = scene;
  if (isAlive(scene)) world.started(ctx);
  for (const op of script) await act(scene, op);
  const last = script.at(-1);
  const value = last?.result === undefined ? undefined : oddResult(last.result);
  if (isAlive(scene)) world.returned.set(ctx.job.id, jsonOf(value));
  return value;
}

async function act(scene: Scene, op: Op): Promise<void> {
  const { world } = scene;
  try {
    const done = (deeds[op.op] as (scene: Scene, op: Op) => Promise<unknown>)(scene, op);
    if (op.isAwaited) await done;
    else done.catch((error: unknown) => tell(world, error));
  } catch (error) {
    tell(world, error);
    if (op.isFatal) throw error;
  }
}

function tell(world: World, error: unknown): void {
  const { code, name, stack } = error as Error & { readonly code?: string };
  world.count(`refused ${code ?? name}`);
  if (["TypeError", "RangeError", "ReferenceError"].includes(name)) {
    world.breach("bug", stack ?? name);
  }
}

function jsonOf(value: unknown): string | undefined {
  try {
    return typeof value === "function" ? undefined : (JSON.stringify(value ?? null) ?? "null");
  } catch {
    return undefined;
  }
}
