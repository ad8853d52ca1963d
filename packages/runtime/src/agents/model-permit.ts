import type { PriceTable, Usage } from "../authority/price.ts";

/** What is known in advance about a model's costs. */
export interface ModelOptions {
  /** What the model costs, if the runtime knows no prices for it. */
  readonly prices?: PriceTable | undefined;
  /**
   * The most that one call can use. Its cost is reserved before each call, so that concurrent calls cannot spend more than there
   * is, and whatever was not used is released afterwards. Default: nothing.
   */
  readonly reserve?: Usage | undefined;
}

/** What one call of a model is given. */
export interface ModelCall {
  /** Aborts when the job has to stop. */
  readonly signal: AbortSignal;
  /**
   * Charges what was used since the last report, for a model that tells its usage while it answers.
   * @throws ArcpError `INVALID_REQUEST` for an invalid usage
   */
  readonly report: (usage: Usage) => Promise<void>;
}

/** The permission to call a model, checked again at each call. */
export interface ModelPermit {
  readonly id: string;
  /**
   * Calls the model and charges what it used, as the metric `cost.inference`.
   * @param ask sends the request; called only if the lease allows it at that very moment
   * @param usageOf reads the usage from the reply; not needed if `ask` reports it
   * @returns what `ask` returns
   * @throws ArcpError the refusal, which also shows on the stream; `BUDGET_EXHAUSTED` if the upstream says so (R-9.6-12);
   *   `INVALID_REQUEST` if the usage cannot be determined: then the whole reservation is charged. Otherwise what `ask` throws
   */
  call<T>(
    ask: (call: ModelCall) => T | Promise<T>,
    usageOf?: (reply: T) => Usage | Promise<Usage>,
  ): Promise<T>;
}
