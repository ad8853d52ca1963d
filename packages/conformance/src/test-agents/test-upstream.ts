import { ArcpError, newSecret } from "@arcp/core";
import type { CredentialOrder, IssuedCredential, Provisioner } from "@arcp/runtime";
import { Gates } from "./gates.ts";

/** The namespace by whose first pattern, `how:label`, a lease asks the upstream for a credential. */
const NAMESPACE = "x-vendor.conformance.credential";

/** The requests made to the upstream under one label. */
interface Account {
  issued: number;
  /** How often it was asked to revoke one that is alive. */
  asked: number;
  revoked: number;
  /** What it was told about each job. */
  readonly orders: object[];
}

interface Made {
  readonly how: string;
  readonly label: string;
  readonly value: string;
}

/**
 * A fake upstream of credentials. It outlives the runtime, so a restarted runtime is given the same one. A job's lease says how it
 * behaves towards that job:
 *
 * - `plain`: it issues one and revokes it when asked to;
 * - `slow`: it issues when the gate of that label is open;
 * - `second`, `broke`: it issues one, and another upstream beside it fails, or says that its budget is used up;
 * - `hung`: it revokes when the gate of that label is open;
 * - `flaky`: it fails to revoke twice, then does it.
 *
 * A job without such a lease gets none.
 */
export class TestUpstream {
  /** Including those of the runtimes, since requests to it go on when one of them is gone. */
  readonly gates = new Gates();
  readonly #made = new Map<string, Made>();
  readonly #accounts = new Map<string, Account>();

  /** The provisioner through which the runtime issues credentials. */
  get provisioners(): Readonly<Record<string, Provisioner>> {
    return {
      "conformance-first": {
        issue: (order) => this.#issue(order),
        revoke: (alias) => this.#revoke(alias),
      },
      "conformance-second": {
        async issue(order) {
          const { how } = wanted(order);
          if (how === "broke") throw new ArcpError("BUDGET_EXHAUSTED", "nothing is left");
          if (how === "second") throw new Error("the second upstream is down");
          return undefined;
        },
        revoke: async () => false,
      },
    };
  }

  /** What became of the credentials that were ordered under a label. */
  account(label: string): Account {
    const known = this.#accounts.get(label);
    if (known !== undefined) return known;
    const account = { issued: 0, asked: 0, revoked: 0, orders: [] };
    this.#accounts.set(label, account);
    return account;
  }

  /** Whether a value is that of a credential that is alive. */
  accepts(value: string): boolean {
    return [...this.#made.values()].some((made) => made.value === value);
  }

  async #issue(order: CredentialOrder): Promise<IssuedCredential | undefined> {
    const { how, label } = wanted(order);
    if (how === undefined || label === undefined) return undefined;
    const { budget, models, expiresAt } = order;
    const account = this.account(label);
    account.orders.push({
      budget,
      models,
      ...(expiresAt === undefined ? {} : { expires_at: new Date(expiresAt).toISOString() }),
    });
    if (how === "slow") await this.gates.opened(label);
    account.issued += 1;
    const value = `sk-${newSecret()}`;
    this.#made.set(order.alias, { how, label, value });
    return { value, endpoint: "https://upstream.test/v1", profile: "conformance" };
  }

  async #revoke(alias: string): Promise<boolean> {
    const made = this.#made.get(alias);
    if (made === undefined) return false;
    const account = this.account(made.label);
    account.asked += 1;
    if (made.how === "hung") await this.gates.opened(made.label);
    if (made.how === "flaky" && account.asked <= 2) throw new Error("the upstream is down");
    if (this.#made.delete(alias)) account.revoked += 1;
    return true;
  }
}

function wanted({ lease }: CredentialOrder): { how?: string; label?: string } {
  const [how, label] = lease[NAMESPACE]?.[0]?.split(":") ?? [];
  return { ...(how === undefined ? {} : { how }), ...(label === undefined ? {} : { label }) };
}
