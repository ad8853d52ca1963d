import { ArcpError } from "@arcp/core";
import type { Money } from "../authority/money.ts";
import type { Prices, Usage } from "../authority/price.ts";
import type { Reservation } from "../authority/reservation.ts";
import type { Job } from "../jobs/job.ts";
import type { ModelCall } from "./model-permit.ts";
import type { Operations } from "./operation.ts";
import { upstreamExhaustion } from "./upstream-exhaustion.ts";

const NOTHING: Money = new Map();

/** A model and what it costs. */
export interface PricedModel {
  readonly id: string;
  readonly prices: Prices;
}

/** One call of a model, which charges the job what was used. */
export class MeteredCall {
  readonly #job: Job;
  readonly #operations: Operations;
  readonly #model: PricedModel;
  readonly #held: Reservation | undefined;
  /** Whether the last report could be charged: an unreadable one may be corrected by another. */
  #isCounted = false;
  /** Why the last unreadable report could not be charged. */
  #unreadable: unknown;

  /** @param held what was reserved for the call */
  constructor(job: Job, operations: Operations, model: PricedModel, held: Reservation | undefined) {
    this.#job = job;
    this.#operations = operations;
    this.#model = model;
    this.#held = held;
  }

  /** As `call` of a permit describes. `ask` is called synchronously. */
  async make<T>(
    ask: (call: ModelCall) => T | Promise<T>,
    usageOf: ((reply: T) => Usage | Promise<Usage>) | undefined,
  ): Promise<T> {
    const reply = await this.#ask(ask);
    try {
      if (usageOf !== undefined) await this.#finish(await usageOf(reply));
      else if (!this.#isCounted) await this.#finishUnreported();
    } catch (error) {
      throw await this.#uncounted(error);
    }
    return reply;
  }

  async #ask<T>(ask: (call: ModelCall) => T | Promise<T>): Promise<T> {
    const { signal } = this.#job.life;
    try {
      return await ask({ signal, report: (usage) => this.#report(usage) });
    } catch (error) {
      const exhaustion = upstreamExhaustion(this.#model.id, error);
      if (exhaustion !== undefined) {
        await this.#show(exhaustion);
        throw exhaustion;
      }
      const hasAnswered = this.#unreadable !== undefined && error === this.#unreadable;
      throw hasAnswered ? await this.#uncounted(error) : error;
    }
  }

  #report(usage: Usage): Promise<void> {
    const used = { ...usage };
    const cost = this.#costOf(used);
    this.#isCounted = true;
    this.#held?.spent(cost);
    return this.#charge(cost, used);
  }

  #costOf(used: Usage): Money {
    try {
      return this.#model.prices.costOf(used);
    } catch (error) {
      this.#isCounted = false;
      this.#unreadable = error;
      throw error;
    }
  }

  async #finish(usage: Usage): Promise<void> {
    const charged = this.#report(usage);
    this.#held?.release();
    await charged;
  }

  /** Only a model that costs nothing need not report anything. */
  #finishUnreported(): Promise<void> {
    if (this.#unreadable !== undefined) throw this.#unreadable;
    return this.#finish({});
  }

  /** Handles an unknown usage: the call was not free, and nobody may overlook that. @returns the error to throw */
  async #uncounted(error: unknown): Promise<ArcpError> {
    const rest = this.#held?.rest ?? NOTHING;
    const charged = this.#charge(rest, {});
    this.#held?.release();
    await charged;
    const problem = error instanceof ArcpError ? error.message : "its usage could not be read";
    const outcome = rest.size > 0 ? "what was reserved is charged" : "nothing could be charged";
    const message = `${this.#model.id} answered, but ${problem}; ${outcome}`;
    const refusal = new ArcpError("INVALID_REQUEST", message, { cause: error });
    await this.#show(refusal);
    return refusal;
  }

  #charge(cost: Money, used: Usage): Promise<void> {
    const counts = Object.entries(used).map(([unit, count]) => [unit, String(count)]);
    const dimensions = { ...Object.fromEntries(counts), model: this.#model.id };
    return this.#job.costs.charge(cost, { name: "cost.inference", dimensions });
  }

  #show(error: ArcpError): Promise<void> {
    return this.#operations.refuse("model.use", { model: this.#model.id }, error);
  }
}
