import {
  checkValues,
  type JobId,
  type Lease,
  LocalError,
  type OptionRules,
  rule,
} from "@arcp/core";

/** A request for one job's credential. */
export interface CredentialOrder {
  /**
   * The name by which the upstream must know the credential, because a revocation names nothing else. Unique, ASCII, at most 64
   * characters, not a secret.
   */
  readonly alias: string;
  readonly job: {
    readonly id: JobId;
    readonly principal: string;
    /** The resolved reference. */
    readonly agent: string;
    readonly traceId: string;
  };
  readonly lease: Lease;
  /**
   * What remains to be spent by the job and by the jobs above it, which delegated it: exact decimal text by currency (R-9.8-3).
   * Empty if none of them has a budget.
   */
  readonly budget: Readonly<Record<string, string>>;
  /** The patterns of `model.use` that the lease grants (R-9.8-3). */
  readonly models: readonly string[];
  /**
   * When the job, or a job above it that delegated it, is over at the latest: milliseconds since 1970; undefined if that is open
   * (R-9.8-3).
   */
  readonly expiresAt: number | undefined;
  /** Aborts when the time for the reply is over, or the job is. */
  readonly signal: AbortSignal;
}

/** A credential that an upstream has created. */
export interface IssuedCredential {
  /** The secret: 16 to 8,192 characters of a bearer token, which belongs to this job alone (R-9.8-2). */
  readonly value: string;
  /** The only base URL that it may be presented to. */
  readonly endpoint: string;
  /** A hint at the dialect of its API, such as `openai`. */
  readonly profile?: string;
  /** What the upstream enforces, in the words of a lease. */
  readonly constraints?: {
    readonly "cost.budget"?: readonly string[];
    readonly "model.use"?: readonly string[];
    readonly expires_at?: string;
  };
}

/**
 * Issues and revokes credentials at one upstream. Of what it throws, only the name is reported, because the text may
 * quote a secret.
 */
export interface Provisioner {
  /**
   * Creates one credential, known by `order.alias`, or none if the job needs none. An `ArcpError` says that the
   * upstream refused and created nothing, `BUDGET_EXHAUSTED` that it had no money left; after any other error it may
   * have created one, and is asked to revoke it.
   */
  issue(order: CredentialOrder): Promise<IssuedCredential | undefined>;
  /**
   * Revokes the credential with this alias.
   * @returns whether there was one: false if the upstream knows of none. The order may still arrive later, so after an issue
   *   without an answer the upstream is asked again for a while
   * @throws if it is not known to be revoked: the revocation is retried for as long as it takes
   */
  revoke(alias: string, signal: AbortSignal): Promise<boolean>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const RULES: OptionRules<Provisioner> = {
  issue: rule.required(rule.method),
  revoke: rule.required(rule.method),
};

/** @throws LocalError `MISUSE` for an invalid provisioner or name, and for a store that is not durable */
export function provisionersOf(
  given: Readonly<Record<string, Provisioner>>,
  durable: boolean,
): ReadonlyMap<string, Provisioner> {
  const provisioners = new Map(Object.entries(given));
  if (provisioners.size > 0 && !durable) {
    throw new LocalError(
      "MISUSE",
      "provisioners need a durable store: pending revocations must outlive the process",
    );
  }
  for (const [name, provisioner] of provisioners) {
    checkValues(`the provisioner ${name}`, provisioner, RULES);
    if (!NAME.test(name)) {
      const right =
        "start with a letter or digit, followed by at most 63 letters, digits, ., _ or -";
      throw new LocalError("MISUSE", `the name of a provisioner has to ${right}: ${name}`);
    }
  }
  return provisioners;
}
