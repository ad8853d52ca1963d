import type { PriceTable, Usage } from "../authority/price.ts";

/** What is known of a model's costs beforehand. */
export interface ModelOptions {
  /** What the model costs, for one of which the runtime knows no prices. */
  readonly prices?: PriceTable | undefined;
  /**
   * The most that one call can use: what that costs is set aside before each call, so that calls at the same time cannot
   * spend more than there is, and what was not used is released after it. Default: nothing.
   */
  readonly reserve?: Usage | undefined;
}

/** What one call of a model is given. */
export interface ModelCall {
  /** Aborts when the job has to stop. */
  readonly signal: AbortSignal;
  /**
   * Charges what was used since the last report: for a model that tells it while it answers.
   * @throws ArcpError `INVALID_REQUEST` for what is no usage
   */
  readonly report: (usage: Usage) => Promise<void>;
}

/** The leave to call a model, checked again at each call. */
export interface ModelPermit {
  readonly id: string;
  /**
   * Calls the model and charges what it used, as the metric `cost.inference`.
   * @param ask sends the request; only when the lease allows it at this very moment
   * @param usageOf what the reply says of its usage; not needed when `ask` reports it
   * @returns what `ask` returns
   * @throws ArcpError the refusal, which also shows on the stream; `BUDGET_EXHAUSTED` when the upstream says so (R-9.6-12);
   * `INVALID_REQUEST` when the usage cannot be told: then what was reserved is charged in full. Else what `ask` throws
   */
  call<T>(
    ask: (call: ModelCall) => T | Promise<T>,
    usageOf?: (reply: T) => Usage | Promise<Usage>,
  ): Promise<T>;
}
