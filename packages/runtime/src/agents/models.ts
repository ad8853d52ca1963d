import { ArcpError, checkOptions, LocalError, type OptionRules } from "@arcp/core";
import type { Money } from "../authority/money.ts";
import { Prices, type Usage } from "../authority/price.ts";
import type { Job } from "../jobs/job.ts";
import { tolerated } from "../tolerance.ts";
import { MeteredCall, type PricedModel } from "./metered-call.ts";
import type { ModelCall, ModelOptions, ModelPermit } from "./model-permit.ts";
import { namedOption } from "./named-option.ts";
import type { Operations } from "./operation.ts";
import { setAside } from "./spend.ts";

/** The most characters of a model id, which appears in every metric of its cost. */
const MAX_ID = 256;

const RULES: OptionRules<ModelOptions> = { prices: namedOption, reserve: namedOption };

/** Lets one job call models, within `model.use`. A refusal also shows on the stream (R-9.3-3). */
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
        return this.#call({ id, prices }, most, ask, usageOf);
      },
    };
  }

  /** @param most the most that the call can cost, if that is to be reserved */
  async #call<T>(
    model: PricedModel,
    most: Money | undefined,
    ask: (call: ModelCall) => T | Promise<T>,
    usageOf: ((reply: T) => Usage | Promise<Usage>) | undefined,
  ): Promise<T> {
    const { id } = model;
    // No await between this check and `ask`: what is allowed now is still allowed when the request is sent (R-9.3-1).
    const begun = this.#refusal(id) ?? (most && setAside(this.#job, most));
    if (begun instanceof ArcpError) {
      // Awaited, so that a loop of retries does not block the event loop (J4).
      await this.#show(id, begun);
      throw begun;
    }
    using held = begun;
    return await new MeteredCall(this.#job, this.#operations, model, held).make(ask, usageOf);
  }

  #refusal(id: string): ArcpError | undefined {
    return this.#job.authority.guard.check("model.use", id);
  }

  #show(model: string, error: ArcpError): Promise<void> {
    return this.#operations.refuse("model.use", { model }, error);
  }
}
