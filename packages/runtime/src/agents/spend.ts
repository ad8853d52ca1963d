import { ArcpError, checkOptions, LocalError, type OptionRules } from "@arcp/core";
import { clip } from "../authority/clip.ts";
import { type Amounts, type Money, readAmounts } from "../authority/money.ts";
import { quoted } from "../authority/quoted.ts";
import type { Reservation } from "../authority/reservation.ts";
import type { Job } from "../jobs/job.ts";
import { eventBody } from "./event-body.ts";
import { namedOption } from "./named-option.ts";
import { paced } from "./paced.ts";

/** The most bytes of JSON of a cost metric before its amount is known: with the amount it must fit into an event (R-4.1-7). */
const MAX_METRIC = 64 * 1024;

/** How a reservation reports what was spent. */
export interface SpendOptions {
  /** The metric that reports what was spent. Default `cost.spend`. */
  readonly name?: string | undefined;
  /** What else the metric says, as text. */
  readonly dimensions?: Readonly<Record<string, string>> | undefined;
}

/** Money that is set aside. It is released when the job ends, at the latest. */
export interface SpendReservation extends AsyncDisposable {
  /**
   * Reports what was spent, one metric per currency, and releases the rest.
   * @param actual Default: what was reserved
   * @throws ArcpError `INVALID_REQUEST` for an invalid amount; LocalError `MISUSE` if the reservation has already been settled or
   *   released. After the end of the job, such a call does nothing
   */
  settle(actual?: Amounts): Promise<void>;
  /**
   * Releases all of it, because nothing was spent. Does nothing once it was settled or released; the end of an `await using` calls
   * it.
   */
  release(): void;
}

/** Lets agents and tools reserve money before it is spent (R-9.6-13). */
export interface Spend {
  /**
   * Reserves all of these amounts, or none.
   * @throws ArcpError `BUDGET_EXHAUSTED` if one exceeds what is available, `CANCELLED` and `LEASE_EXPIRED` as for any operation,
   *   `INVALID_REQUEST` for an invalid amount, name of a cost, or dimensions; LocalError `MISUSE` for an unknown option
   */
  readonly reserve: (amounts: Amounts, options?: SpendOptions) => SpendReservation;
}

const RULES: OptionRules<SpendOptions> = { name: namedOption, dimensions: namedOption };

/** Implements `reserve` of a job's {@link Spend}. */
export function reserve(job: Job, amounts: Amounts, options: SpendOptions = {}): SpendReservation {
  checkOptions("reserve", options, RULES);
  const { name = "cost.spend", dimensions } = options;
  // What will be reported later is checked and copied before any money is reserved for it.
  const checked = eventBody("metric", { name, value: 0, dimensions });
  if (!/^cost\.(?!budget\.)./.test(name)) {
    throw new ArcpError(
      "INVALID_REQUEST",
      `${quoted(name)} is not the name of a cost: use cost.<what>`,
    );
  }
  const metric = { ...checked, dimensions: checked.dimensions && { ...checked.dimensions } };
  if (Buffer.byteLength(JSON.stringify(metric)) > MAX_METRIC) {
    const problem = `the name and the dimensions of a cost may have at most ${MAX_METRIC} bytes of JSON`;
    throw new ArcpError("INVALID_REQUEST", problem);
  }
  const wanted = readAmounts(amounts, noAmount);
  const reservation = setAside(job, wanted);
  if (reservation instanceof ArcpError) throw reservation;
  // The end of the job also releases the reservation; what was spent until then may still be settled after it.
  let isOver = false;
  const release = (): void => {
    isOver = true;
    reservation.release();
  };
  const settle = async (actual?: Amounts): Promise<void> => {
    if (isOver) {
      if (!job.live) return job.events.pass();
      throw new LocalError("MISUSE", "the reservation has already been settled or released");
    }
    const costs = actual === undefined ? wanted : readAmounts(actual, noAmount);
    const spent = new Map([...costs].filter(([, amount]) => amount.gt(0)));
    const charged = job.costs.charge(spent, metric);
    release();
    await charged;
  };
  return {
    settle: (actual) => paced(job, settle(actual)),
    release,
    [Symbol.asyncDispose]: async () => release(),
  };
}

/** Reserves all of these amounts, or none. @returns the refusal if they do not fit, or the job may not act any more */
export function setAside({ authority, budget }: Job, amounts: Money): Reservation | ArcpError {
  const refusal = authority.guard.standing(`reserving ${describe(amounts)}`);
  if (refusal !== undefined) return refusal;
  const outcome = budget.reserve(amounts);
  if (outcome.ok) return outcome.reservation;
  const { currency, available = "0" } = outcome;
  return new ArcpError(
    "BUDGET_EXHAUSTED",
    `${describe(amounts)} cannot be reserved: ${available} ${currency} are available`,
    { details: { currency, available } },
  );
}

function noAmount(given: unknown): ArcpError {
  return new ArcpError(
    "INVALID_REQUEST",
    `${quoted(given)} is not an amount such as {"USD":"2.50"}`,
  );
}

function describe(amounts: Money): string {
  return clip(
    [...amounts].map(([currency, amount]) => `${amount.toFixed()} ${currency}`).join(" and "),
  );
}
