import type { JobId } from "@arcp/core";
import Big from "big.js";
import type { AgentContext } from "../../src/agents/context.ts";
import type { JobRow, LogRecord } from "../../src/store/index.ts";
import { Ledger, type Standing } from "./ledger.ts";
import type { Amounts, Program } from "./program.ts";

/** A promise that was broken. */
export interface Breach {
  readonly rule: string;
  readonly message: string;
}

/** One piece of a result. */
export type Piece = string | Uint8Array;

/** What is durable and what agents did, and what must hold of both at every moment. */
export class World {
  /** The present process. What an earlier one does does not count. */
  generation = 0;
  readonly breaches: Breach[] = [];
  readonly counts = new Map<string, number>();
  readonly logs = new Map<string, LogRecord[]>();
  readonly rows = new Map<string, JobRow>();
  /** All values that credentials ever had. */
  readonly secrets = new Set<string>();
  /** What agents of this process were given, by job. */
  readonly contexts = new Map<string, AgentContext>();
  /** What agents wrote of their results. */
  readonly pieces = new Map<string, Piece[]>();
  /** What they returned, as JSON; undefined for what is not JSON. */
  readonly returned = new Map<string, string | undefined>();
  /** What delegating agents got. */
  readonly heard: Array<{ readonly child: string; readonly value: unknown }> = [];
  readonly ledger = new Ledger();
  readonly #now: () => number;
  /** Whether nobody knows what the store has, because it fails. */
  readonly #isLoose: boolean;
  /** Whether the runtime reports each cost. */
  readonly #isObserved: boolean;
  readonly #checkpoints = new Map<string, Array<{ readonly n: number; isSure: boolean }>>();
  readonly #held = new Map<string, Set<Amounts>>();
  #unique = 0;

  constructor(now: () => number, { failing, isObserved }: Program) {
    this.#now = now;
    this.#isLoose = failing > 0;
    this.#isObserved = isObserved;
  }

  /** The next process begins. */
  restart(): void {
    this.generation += 1;
    for (const job of this.contexts.keys()) if (!this.hasEnded(job)) this.ledger.forget(job);
    this.contexts.clear();
    this.#held.clear();
  }

  unique(): number {
    this.#unique += 1;
    return this.#unique;
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  breach(rule: string, message: string): void {
    this.breaches.push({ rule, message });
  }

  hasEnded(job: string): boolean {
    return this.logs.get(job)?.at(-1)?.kind === "terminal";
  }

  /** A child that no record announces never began. It exists only if the store failed. */
  isTold({ id, parent }: Pick<JobRow, "id" | "parent">): boolean {
    if (parent === undefined) return true;
    const log = this.logs.get(parent) ?? [];
    return log.some(({ kind, text }) => kind === "delegate" && text.includes(id));
  }

  /** A job and its ancestors. */
  lineage(job: string): JobRow[] {
    const row = this.rows.get(job);
    if (row === undefined) return [];
    return [row, ...(row.parent === undefined ? [] : this.lineage(row.parent))];
  }

  /** What was spent according to the durable logs of a job and its descendants. */
  spent(job: string, unit: string): Big {
    let sum = new Big(0);
    for (const { kind, text } of this.logs.get(job) ?? []) {
      if (kind !== "event" || !text.includes('"name":"cost.')) continue;
      if (text.includes(`"unit":"${unit}"`)) sum = sum.plus(amountIn(text));
    }
    for (const { id, parent } of this.rows.values()) {
      if (parent === job) sum = sum.plus(this.spent(id, unit));
    }
    return sum;
  }

  insistOnNoSecret(text: string): void {
    for (const secret of this.secrets) {
      if (text.includes(secret)) this.breach("R-9.8-10", `${secret} stands in ${text}`);
    }
  }

  started(ctx: AgentContext): void {
    const { id } = ctx.job;
    this.count("runs");
    this.contexts.set(id, ctx);
    this.pieces.delete(id);
    const row = this.rows.get(id as JobId);
    if (row === undefined) return this.breach("J2", `${id} runs and is not in the index`);
    if (!this.isTold(row)) this.breach("J2", `${id} runs before its parent told of it`);
    for (const above of this.lineage(id)) {
      if (this.hasEnded(above.id)) this.breach("R-10-6", `${id} runs after the end of ${above.id}`);
    }
    if (ctx.attempt > 1) this.#startedAgain(ctx, row);
    if (this.#isObserved) this.ledger.begin(id, ctx.budget.remaining());
  }

  #startedAgain(ctx: AgentContext, { id, lease }: JobRow): void {
    this.count("reruns");
    if (!this.#isLoose) this.#goesOn(ctx, id);
    // Even with a failing store: it takes the remaining budget with the records that report it.
    for (const [unit, left] of Object.entries(ctx.budget.remaining())) {
      const most = grantOf(lease, unit).minus(this.spent(id, unit));
      if (most.lt(left)) this.breach("money", `${id} begins with ${left} ${unit} of ${most}`);
    }
  }

  /** It begins with its last checkpoint. */
  #goesOn(ctx: AgentContext, id: string): void {
    const given = this.#checkpoints.get(id) ?? [];
    const { n: last = 0 } = (ctx.lastCheckpoint ?? {}) as { n?: number };
    const sure = given.findLast(({ isSure }) => isSure)?.n ?? 0;
    if (last < sure || (last > 0 && !given.some(({ n }) => n === last))) {
      this.breach("checkpoint", `${id} begins with ${last}, and ${sure} was durable`);
    }
  }

  /** Something that the guard allows is done in this very turn. */
  acts(job: string, what: string, generation: number): void {
    if (generation !== this.generation) return;
    this.count(what);
    for (const { id, expiresAt, cancel, maxRuntimeSec, acceptedAt } of this.lineage(job)) {
      const over = acceptedAt + (maxRuntimeSec ?? Number.POSITIVE_INFINITY) * 1000;
      const ctx = this.contexts.get(id);
      const refusals = {
        J3: this.hasEnded(id),
        "R-7.3-6": this.#now() >= over,
        "R-7.4-4": cancel !== undefined || ctx?.signal.aborted,
        "R-9.5-2": this.#now() >= (expiresAt ?? Number.POSITIVE_INFINITY),
        "R-9.6-6": Object.values(ctx?.budget.remaining() ?? {}).some((left) =>
          new Big(left).lte(0),
        ),
      };
      for (const [rule, isBroken] of Object.entries(refusals)) {
        if (isBroken) this.breach(rule, `${what} of ${job}, below ${id}`);
      }
    }
  }

  calls(job: string, call: string, generation: number): void {
    if (generation !== this.generation) return;
    const isTold = this.logs.get(job)?.some(({ text }) => text.includes(`"${call}"`));
    if (!isTold) this.breach("J2", `a tool runs for ${job} before ${call} is durable`);
    this.acts(job, "tools", generation);
  }

  /** Money is set aside: together with all that is set aside already it must fit into what remains. @returns releases it */
  hold(job: string, amounts: Amounts): () => void {
    this.count("reservations");
    const all = this.#held.get(job) ?? new Set();
    this.#held.set(job, all.add(amounts));
    for (const [unit, left] of Object.entries(this.contexts.get(job)?.budget.remaining() ?? {})) {
      if (amounts[unit] === undefined) continue;
      const sum = [...all].reduce((total, one) => total.plus(one[unit] ?? 0), new Big(0));
      if (sum.gt(left)) this.breach("R-9.6-13", `${job}: ${sum} ${unit} are set aside of ${left}`);
    }
    return () => void all.delete(amounts);
  }

  /** The runtime reports a cost, and has charged it in this very turn to each budget of the line that is not over (R-9.6-8). */
  costs(job: string, unit: string, amount: string, generation: number): void {
    this.ledger.tell(generation, job, unit, amount);
    if (generation !== this.generation) return;
    this.count("costs");
    const line = this.lineage(job).map(({ id }) => ({
      job: id,
      standing: this.#standing(id),
      remaining: this.contexts.get(id)?.budget.remaining() ?? {},
    }));
    if (line[0]?.standing === "over") this.count("late costs");
    for (const wrong of this.ledger.charge(unit, amount, line)) this.breach("R-9.6-8", wrong);
  }

  /** An agent that is told to stop without a cancel is told so by the end of its job. */
  #standing(job: string): Standing {
    if (!this.contexts.get(job)?.signal.aborted) return "open";
    const isCancelled = this.lineage(job).some(({ cancel }) => cancel !== undefined);
    return isCancelled && !this.hasEnded(job) ? "maybe" : "over";
  }

  wrote(job: string, piece: Piece): void {
    this.pieces.set(job, [...(this.pieces.get(job) ?? []), piece]);
  }

  /** @returns marks it as durable */
  checkpoint(job: string, n: number): () => void {
    const given = { n, isSure: false };
    this.#checkpoints.set(job, [...(this.#checkpoints.get(job) ?? []), given]);
    return () => {
      given.isSure = true;
    };
  }

  hears(child: string, value: unknown): void {
    this.count("heard");
    if (!this.hasEnded(child))
      this.breach("J2", `the result of ${child} is told before it is durable`);
    this.heard.push({ child, value });
  }
}

export function grantOf(lease: JobRow["lease"], unit: string): Big {
  const entry = lease["cost.budget"]?.find((one) => one.startsWith(`${unit}:`));
  return new Big(entry?.slice(unit.length + 1) ?? 0);
}

/** The value of a metric, exactly. */
export function amountIn(text: string): string {
  return /"value":([^,}]+)/.exec(text)?.[1] ?? "0";
}
