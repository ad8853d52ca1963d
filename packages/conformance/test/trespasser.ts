import type { Capability, Lease } from "@arcp/core";
import { type AgentContext, defineAgent } from "@arcp/runtime";

/** What a client can have the agent try, as JSON. A number that JSON does not have is given by its name. */
export type Attempt =
  | { readonly op: "fs.read" | "fs.write" | "fs.list" | "fs.stat"; readonly path: string }
  | { readonly op: "fetch"; readonly url: string }
  | { readonly op: "tool.call"; readonly name: string }
  /** Calls a model, which says that it used so much. */
  | { readonly op: "model"; readonly id: string; readonly used?: object; readonly reserve?: object }
  | { readonly op: "authorize"; readonly capability: string; readonly target: string }
  | {
      readonly op: "metric";
      readonly name: string;
      readonly value: unknown;
      readonly unit: string;
    }
  | { readonly op: "emit"; readonly kind: string; readonly body: object }
  | { readonly op: "status"; readonly phase: string }
  | {
      readonly op: "reserve";
      readonly amounts: object;
      /** What is settled; without it the reservation stays open. */
      readonly settle?: object;
      readonly name?: string;
    }
  | {
      readonly op: "delegate";
      readonly agent?: string;
      readonly lease?: Lease;
      readonly expiresInSec?: number;
      /** What the child tries, if there is one. */
      readonly tries?: readonly Attempt[];
    }
  /** Thinks aloud, and waits until the test lets it go on. */
  | { readonly op: "outlast" };

/** How an attempt came out: the code of the refusal, or what it gave. */
export interface Outcome {
  readonly op: Attempt["op"];
  readonly code?: string;
  readonly value?: unknown;
}

/** Every outcome, in order, of a job and of those that it delegated to. It outlives the job that has it. */
export type Report = (jobId: string, outcome: Outcome) => void;

/** An agent that does whatever its input says, refused or not, and returns how that went. */
export function trespasser(report: Report, now: () => number, gate: () => Promise<void>) {
  return defineAgent({
    name: "trespasser",
    async run(ctx: AgentContext, input: unknown) {
      const outcomes: Outcome[] = [];
      for (const attempt of input as readonly Attempt[]) {
        const outcome = await outcomeOf(ctx, attempt, now, gate);
        outcomes.push(outcome);
        report(ctx.job.id, outcome);
      }
      return outcomes;
    },
  });
}

async function outcomeOf(
  ctx: AgentContext,
  attempt: Attempt,
  now: () => number,
  gate: () => Promise<void>,
): Promise<Outcome> {
  const { op } = attempt;
  try {
    return { op, value: (await perform(ctx, attempt, now, gate)) ?? null };
  } catch (error) {
    const { code = `${error}` } = error as { code?: string };
    return { op, code };
  }
}

async function perform(
  ctx: AgentContext,
  attempt: Attempt,
  now: () => number,
  gate: () => Promise<void>,
): Promise<unknown> {
  switch (attempt.op) {
    case "fs.read":
      return await ctx.fs.readText(attempt.path);
    case "fs.write":
      return await ctx.fs.writeFile(attempt.path, "written");
    case "fetch":
      return await (await ctx.fetch(attempt.url)).text();
    case "fs.list":
      return await ctx.fs.list(attempt.path);
    case "fs.stat":
      return (await ctx.fs.stat(attempt.path)).kind;
    case "tool.call":
      return await ctx.tools.call(attempt.name);
    case "model": {
      const { id, used = { input: 1 }, reserve } = attempt;
      const permit = ctx.model(id, reserve && { reserve: numbers(reserve) });
      return await permit.call(
        () => "an answer",
        () => numbers(used),
      );
    }
    case "authorize":
      return ctx.authorize(attempt.capability as Capability, attempt.target);
    case "metric": {
      const { name, unit } = attempt;
      const value = NUMBERS.get(attempt.value) ?? attempt.value;
      return await ctx.metric({ name, unit, value: value as number });
    }
    case "emit":
      return await ctx.emit(attempt.kind, attempt.body as Record<string, unknown>);
    case "status":
      return await ctx.status(attempt.phase);
    case "reserve": {
      const { amounts, settle, name } = attempt;
      const held = ctx.spend.reserve(amounts as Record<string, string>, { ...(name && { name }) });
      return settle && (await held.settle(settle as Record<string, string>));
    }
    case "delegate": {
      const { agent = "trespasser", lease, expiresInSec, tries = [] } = attempt;
      const child = await ctx.delegate(agent, tries, {
        ...(lease && { lease }),
        ...(expiresInSec && { expiresAt: new Date(now() + expiresInSec * 1000) }),
      });
      return await child.result();
    }
    case "outlast":
      await ctx.thought("outlasting");
      return await gate();
  }
}

function numbers(counts: object): Record<string, number> {
  const given = Object.entries(counts).map(([unit, count]) => [unit, NUMBERS.get(count) ?? count]);
  return Object.fromEntries(given);
}

const NUMBERS: ReadonlyMap<unknown, unknown> = new Map<unknown, unknown>([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["MAX_VALUE", Number.MAX_VALUE],
  ["bigint", 1n],
]);
