import { ArcpError, checkOptions, LocalError, type OptionRules } from "@arcp/core";
import type { Reservation } from "../authority/budget.ts";
import type { Grant } from "../authority/grant.ts";
import { Prices, type Usage } from "../authority/price.ts";
import type { Job } from "../jobs/job.ts";
import { tolerated } from "../tolerance.ts";
import type { ModelCall, ModelOptions, ModelPermit } from "./model-permit.ts";
import { namedOption } from "./named-option.ts";
import type { Operations } from "./operation.ts";
import { setAside } from "./spend.ts";
import { upstreamExhaustion } from "./upstream-exhaustion.ts";

/** The most characters of a model id, which appears in every metric of its cost. */
const MAX_ID = 256;

const NOTHING: Grant = new Map();

const RULES: OptionRules<ModelOptions> = { prices: namedOption, reserve: namedOption };

/** Lets one job call models, within `model.use`, and meters them. A refusal also shows on the stream (R-9.3-3). */
export class Models {
  readonly #job: Job;
  readonly #prices: ReadonlyMap<string, Prices>;
  readonly #operations: Operations;

  /** @param prices of the models that the runtime knows, by id */
  constructor(job: Job, prices: ReadonlyMap<string, Prices>, operations: Operations) {
    this.#job = job;
    this.#prices = prices;
    this.#operations = operations;
  }

  /**
   * @throws ArcpError the refusal; `INVALID_REQUEST` for an invalid id or usage
   * @throws LocalError `MISUSE` if there are no prices for the model, or for an unknown option
   */
  permit(id: string, options: ModelOptions = {}): ModelPermit {
    checkOptions("model", options, RULES);
    const { prices: own, reserve } = options;
    if (typeof id !== "string" || id === "" || id.length > MAX_ID) {
      throw new ArcpError("INVALID_REQUEST", `the id of a model has 1 to ${MAX_ID} characters`);
    }
    const refusal = this.#refusal(id);
    if (refusal !== undefined) {
      void tolerated(this.#show(id, refusal));
      throw refusal;
    }
    const prices = this.#prices.get(id) ?? (own && new Prices(id, own));
    if (prices === undefined) {
      throw new LocalError(
        "MISUSE",
        `there are no prices for ${id}: pass them in createRuntime({ models }) or here as { prices }`,
      );
    }
    const most = reserve === undefined ? undefined : prices.costOf({ ...reserve });
    return {
      id,
      call: (ask, usageOf) => {
        // The cost must be reported, so do not call the model if there is no room for that.
        this.#job.events.checkRoom();
        return this.#call({ id, prices, most }, ask, usageOf);
      },
    };
  }

  async #call<T>(
    { id, prices, most }: Metered,
    ask: (call: ModelCall) => T | Promise<T>,
    usageOf: ((reply: T) => Usage | Promise<Usage>) | undefined,
  ): Promise<T> {
    // No await between this check and `ask`: what is allowed now is still allowed when the request is sent (R-9.3-1).
    const begun = this.#refusal(id) ?? (most && setAside(this.#job, most));
    if (begun instanceof ArcpError) {
      // Awaited, so that a loop of retries does not block the event loop (J4).
      await this.#show(id, begun);
      throw begun;
    }
    using held = begun;
    // Reflects the last report: an unreadable one may be corrected by another.
    let isCounted = false;
    let unreadable: unknown;
    const count = (used: Usage): Grant => {
      try {
        return prices.costOf(used);
      } catch (error) {
        isCounted = false;
        unreadable = error;
        throw error;
      }
    };
    const report = (usage: Usage): Promise<void> => {
      const used = { ...usage };
      const cost = count(used);
      isCounted = true;
      held?.spent(cost);
      return this.#charge(id, cost, used);
    };
    const asked = this.#asked(id, () => ask({ signal: this.#job.life.signal, report }));
    const reply = await asked.catch(async (error: unknown) => {
      const answered = unreadable !== undefined && error === unreadable;
      throw answered ? await this.#uncounted(id, held, error) : error;
    });
    try {
      if (usageOf === undefined && isCounted) return reply;
      if (usageOf === undefined && unreadable !== undefined) throw unreadable;
      const charged = report(usageOf === undefined ? {} : await usageOf(reply));
      held?.release();
      await charged;
    } catch (error) {
      throw await this.#uncounted(id, held, error);
    }
    return reply;
  }

  async #asked<T>(id: string, ask: () => T | Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const exhaustion = upstreamExhaustion(id, error);
      if (exhaustion === undefined) throw error;
      await this.#show(id, exhaustion);
      throw exhaustion;
    }
  }

  #refusal(id: string): ArcpError | undefined {
    return this.#job.authority.guard.check("model.use", id);
  }

  /** Handles an unknown usage: the call was not free, and nobody may overlook that. @returns the error to throw */
  async #uncounted(id: string, held: Reservation | undefined, error: unknown): Promise<ArcpError> {
    const rest = held?.rest ?? NOTHING;
    const charged = this.#charge(id, rest, {});
    held?.release();
    await charged;
    const problem = error instanceof ArcpError ? error.message : "its usage could not be read";
    const outcome = rest.size > 0 ? "what was reserved is charged" : "nothing could be charged";
    const message = `${id} answered, but ${problem}; ${outcome}`;
    const refusal = new ArcpError("INVALID_REQUEST", message, { cause: error });
    await this.#show(id, refusal);
    return refusal;
  }

  #charge(model: string, cost: Grant, used: Usage): Promise<void> {
    const counts = Object.entries(used).map(([unit, count]) => [unit, String(count)]);
    const dimensions = { ...Object.fromEntries(counts), model };
    return this.#job.costs.charge(cost, { name: "cost.inference", dimensions });
  }

  #show(model: string, error: ArcpError): Promise<void> {
    return this.#operations.refuse("model.use", { model }, error);
  }
}

interface Metered {
  readonly id: string;
  readonly prices: Prices;
  /** The most that one call can cost, if that is to be reserved. */
  readonly most: Grant | undefined;
}
