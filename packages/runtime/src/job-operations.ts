import {
  ArcpError,
  checkOptions,
  isTerminal,
  type JobId,
  type JobStatus,
  jobStatuses,
  type Lease,
  LocalError,
  type OptionRules,
  rule,
  type SessionId,
} from "@arcp/core";
import { compileGrant } from "./authority/grant.ts";
import { type Amounts, amountsOf } from "./authority/money.ts";
import { UNFINISHED } from "./jobs/job-state.ts";
import type { JobTable } from "./jobs/table.ts";
import { checkReason } from "./reason.ts";
import type { JobIndex, JobQuery, ListedJob } from "./store/index.ts";
import { tolerated } from "./tolerance.ts";
import type { Turn } from "./turn.ts";

/** What an operator sees of a job. Times are milliseconds since 1970. */
export interface JobInfo {
  readonly id: string;
  /** Who submitted it. */
  readonly principal: string;
  /** The session that owns it. */
  readonly session: string;
  /** The resolved reference. */
  readonly agent: string;
  readonly status: JobStatus;
  /** How often its agent was started. */
  readonly attempt: number;
  /** What it may do and spend, as it was granted. */
  readonly lease: Lease;
  /**
   * What is left of its budget, as exact decimal text by currency; undefined if it has none. Once the job and those that it
   * delegated have finished, the rest of its `cost.budget` is what all of them cost.
   */
  readonly remaining: Amounts | undefined;
  readonly traceId: string;
  /** When it was accepted, milliseconds since 1970. */
  readonly acceptedAt: number;
  /** Undefined while it is not finished. */
  readonly finishedAt: number | undefined;
}

/** Which jobs to select. Everything given has to match. */
export interface JobFilter {
  /** Who submitted it. */
  readonly principal?: string;
  /** The session that owns it. */
  readonly session?: string;
  /** `name` matches every version, `name@version` exactly one. */
  readonly agent?: string;
  /** One of these. */
  readonly status?: readonly JobStatus[];
  /** Exclusive, milliseconds since 1970. */
  readonly acceptedAfter?: number;
  /** Exclusive, milliseconds since 1970. */
  readonly acceptedBefore?: number;
}

const PAGE = 100;

/** What cancelling a job costs of the turn's budget. */
const CANCEL_STEPS = 4;

const STATUSES: readonly unknown[] = jobStatuses;

const moment = rule.some("a time in milliseconds since 1970", Number.isFinite);

const SCOPE: OptionRules<Omit<JobFilter, "status">> = {
  principal: rule.text,
  session: rule.text,
  agent: rule.text,
  acceptedAfter: moment,
  acceptedBefore: moment,
};

const FILTER: OptionRules<JobFilter> = {
  ...SCOPE,
  status: rule.some(
    `an array with some of ${jobStatuses.join(", ")}`,
    (value) => Array.isArray(value) && value.every((one) => STATUSES.includes(one)),
  ),
};

/** The operator's access to the jobs of a runtime, which no lease and no session limits. */
export class JobOperations {
  readonly #index: JobIndex;
  readonly #live: JobTable;
  readonly #turn: Pick<Turn, "spend">;
  readonly #ready: Promise<void>;

  /** @param ready resolves once what the previous process left behind has been taken over */
  constructor(index: JobIndex, live: JobTable, turn: Pick<Turn, "spend">, ready: Promise<void>) {
    this.#index = index;
    this.#live = live;
    this.#turn = turn;
    this.#ready = ready;
  }

  /**
   * All kept jobs of all principals, in the order of their acceptance.
   * @throws LocalError `MISUSE` for an unknown filter, which would let every job pass
   */
  async *list(filter: JobFilter = {}): AsyncGenerator<JobInfo, void, undefined> {
    checkOptions("the filter", filter, FILTER);
    yield* this.#find(filter, filter.status);
  }

  async *#find(
    { principal, session, agent, acceptedAfter, acceptedBefore }: JobFilter,
    statuses: readonly JobStatus[] | undefined,
  ): AsyncGenerator<JobInfo, void, undefined> {
    await this.#ready;
    const query: JobQuery = {
      principal,
      session: session as SessionId | undefined,
      agent,
      statuses,
      acceptedAfter,
      acceptedBefore,
      limit: PAGE,
    };
    for (let after: JobQuery["after"]; ; ) {
      const rows = await this.#index.list({ ...query, after });
      // Reading all jobs in one go must not hold up others (J4).
      await this.#turn.spend("answering", rows.length);
      for (const row of rows) yield infoOf(row);
      after = rows.at(-1);
      if (rows.length < PAGE) return;
    }
  }

  /** One job, running or kept; undefined if there is none. */
  async get(id: string): Promise<JobInfo | undefined> {
    await this.#ready;
    const row = await this.#index.get(id as JobId);
    return row && infoOf(row);
  }

  /**
   * Cancels a job as its owner would. Resolves when the cancel is durable; the job ends as cancelled.
   * @param reason for humans, at most 1,024 characters
   * @returns whether there was anything to cancel: false if the job has ended
   * @throws ArcpError `JOB_NOT_FOUND`, or `INTERNAL_ERROR` for a job of the previous process that could not be recovered yet, or
   *   that another runtime has taken over; LocalError `MISUSE` for a longer reason, or one that is not a string
   */
  async cancel(id: string, reason?: string): Promise<boolean> {
    checkReason("cancel", reason);
    await this.#ready;
    const job = this.#live.get(id as JobId);
    if (job === undefined) {
      const refusal = this.#live.refusal(id as JobId);
      const row = await this.#index.get(id as JobId).catch((error: unknown) => {
        throw refusal ?? error;
      });
      if (row !== undefined && isTerminal(row.status)) return false;
      throw refusal ?? new ArcpError("JOB_NOT_FOUND", `there is no job ${id}`);
    }
    let ended: unknown;
    await job.life.cancel({ reason }, (finished) => {
      ended = finished;
    });
    return ended === undefined;
  }

  /**
   * Cancels every unfinished job that matches.
   * @returns how many were cancelled, not counting a job that ended or was removed meanwhile
   * @throws AggregateError of all failures, once all other jobs have been cancelled
   * @throws LocalError `MISUSE` for a filter in place of the reason, an unknown filter, an undefined value in it, or a reason of
   *   more than 1,024 characters; then no job is cancelled
   */
  async cancelAll(reason?: string, filter: Omit<JobFilter, "status"> = {}): Promise<number> {
    if (typeof reason !== "string" && reason !== undefined) {
      throw new LocalError(
        "MISUSE",
        "cancelAll takes a reason, a string or undefined, and a filter",
      );
    }
    checkReason("cancelAll", reason);
    checkOptions("the filter", filter, SCOPE);
    // A filter left undefined by mistake would cancel everybody's jobs.
    const unset = Object.entries(filter).find(([, value]) => value === undefined);
    if (unset !== undefined) {
      throw new LocalError(
        "MISUSE",
        `the filter: ${unset[0]} is undefined; leave it out to cancel all`,
      );
    }
    const ids: string[] = [];
    for await (const { id } of this.#find(filter, UNFINISHED)) ids.push(id);
    const cancels: Array<Promise<boolean>> = [];
    for (const id of ids) {
      // There may be any number of jobs (J4).
      await this.#turn.spend("answering", CANCEL_STEPS);
      cancels.push(tolerated(this.cancel(id, reason)));
    }
    const outcomes = await Promise.allSettled(cancels);
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" && !isGone(outcome.reason) ? [outcome.reason] : [],
    );
    if (failures.length > 0) throw new AggregateError(failures, "not every job could be cancelled");
    return outcomes.filter((outcome) => outcome.status === "fulfilled" && outcome.value).length;
  }

  /** The numbers of unfinished jobs, for metrics. */
  count(): { readonly pending: number; readonly running: number } {
    return this.#live.count();
  }
}

function isGone(error: unknown): boolean {
  return error instanceof ArcpError && error.code === "JOB_NOT_FOUND";
}

function infoOf(row: ListedJob): JobInfo {
  const { id, principal, session, agent, status, attempt = 1, lease, traceId } = row;
  const { acceptedAt, finishedAt } = row;
  const granted = compileGrant(lease["cost.budget"] ?? []);
  return {
    id,
    principal,
    session,
    agent,
    status,
    attempt,
    lease,
    // Nothing is stored before anything was spent.
    remaining: row.remaining ?? (granted.ok ? amountsOf(granted.grant) : undefined),
    traceId,
    acceptedAt,
    finishedAt,
  };
}
