import { type Clock, type JobId, LocalError, newCredentialAlias, type Timer } from "@arcp/core";
import type { Logger } from "pino";
import type { CredentialRow, CredentialStore } from "../store/index.ts";
import { retried } from "../store/retry.ts";
import type { Provisioner } from "./provisioner.ts";
import { answerWithin, nameOf } from "./upstream.ts";

export interface OutstandingOptions {
  readonly store: CredentialStore;
  /** By name. */
  readonly provisioners: ReadonlyMap<string, Provisioner>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds that an upstream has to answer. */
  readonly patience: number;
  /** Milliseconds after which an unanswered order is certain not to be carried out any more. */
  readonly doubt: number;
}

/** What an operator sees of a credential that may be alive at its upstream. */
export interface OutstandingCredential extends CredentialRow {
  readonly state: "ordered" | "issued" | "revoking";
  /** How often its revocation has failed in this process. */
  readonly failures: number;
  /** The name of the last error, without the upstream's own text, which may quote a secret. */
  readonly lastFailure: string | undefined;
}

interface Entry {
  readonly row: CredentialRow;
  state: OutstandingCredential["state"];
  /** Whether the upstream may still create it: it was asked and has not answered. */
  uncertain: boolean;
  /** When that becomes impossible, on the monotonic clock, because the wall clock may be set meanwhile. */
  readonly certainAt: number;
  /** How often the upstream was asked to revoke it. */
  attempts: number;
  failures: number;
  lastFailure: string | undefined;
  /** Whether the upstream is being asked to revoke it, and whether that has to be repeated afterwards. */
  busy: "no" | "yes" | "again";
  /** Set between two attempts. */
  pause: Timer | undefined;
}

/** Milliseconds between the first two attempts, doubled after each. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 60_000;
/** The number of failures after which the operator is told. */
const FAILURES_TO_REPORT = 5;

/**
 * Tracks every credential that may be alive at its upstream, from before it is ordered until it is known to be revoked.
 *
 * - Everything is durable before the upstream is asked (R-9.8-4), so that after a crash at any moment the next process can revoke
 *   what is left.
 * - A revocation is retried until it succeeds (R-9.8-8). If the upstream does not know the credential, that is a success, except
 *   while an order may still be on its way.
 */
export class Outstanding {
  readonly #options: OutstandingOptions;
  readonly #entries = new Map<string, Entry>();
  #underWay = 0;
  #onSettled: Array<() => void> = [];
  #closed = false;

  constructor(options: OutstandingOptions) {
    this.#options = options;
  }

  /**
   * Revokes what the previous process left behind, because the values were lost with it. Resolves when that has begun for all, so
   * that no job's end can come first (R-9.8-7).
   */
  async recover(): Promise<void> {
    const { clock, store } = this.#options;
    const rows = await retried(clock, () => store.list());
    for (const row of rows) void this.#attempt(this.#enter(row, "revoking"));
  }

  /**
   * Records that a credential is about to be ordered. Resolves when that is durable.
   * @returns its alias
   */
  async order(job: JobId, provisioner: string): Promise<string> {
    const { store, clock } = this.#options;
    const alias = newCredentialAlias();
    const row = { alias, job, provisioner, askedAt: clock.now() };
    try {
      await store.insert(row);
    } catch (error) {
      // The row may have been stored, and the next process would try to revoke a credential that was never ordered.
      await store.remove(alias).catch(() => {});
      throw error;
    }
    this.#enter(row, "ordered");
    return alias;
  }

  /** The upstream has answered: it has created the credential, or will not. */
  answered(alias: string): void {
    const entry = this.#entries.get(alias);
    if (entry === undefined) return;
    entry.uncertain = false;
    if (entry.state === "ordered") entry.state = "issued";
  }

  /** An upstream has carried out an order that nobody was waiting for any more. */
  surfaced(row: CredentialRow): void {
    const known = this.#entries.get(row.alias);
    if (known === undefined) {
      this.#enter(row, "ordered");
      // Not awaited: the revocation must not wait for the store.
      this.#options.store.insert(row).catch((error: unknown) => {
        const said = { credential: row.alias, job: row.job, failure: nameOf(error) };
        this.#options.logger.error(said, "a credential that surfaced could not be recorded");
      });
    }
    this.answered(row.alias);
    this.revoke(row.alias, true);
  }

  /**
   * Begins to revoke a credential, in this very turn.
   * @param again even if that has already begun
   */
  revoke(alias: string, again = false): void {
    const entry = this.#entries.get(alias);
    if (entry === undefined || (entry.state === "revoking" && !again)) return;
    entry.state = "revoking";
    void this.#attempt(entry);
  }

  /** Retries pending revocations now. @returns how many there are */
  retry(): number {
    const waiting = [...this.#entries.values()].filter(({ pause }) => pause !== undefined);
    for (const entry of waiting) void this.#attempt(entry);
    return waiting.length;
  }

  /** Drops a credential that the operator has dealt with. @returns whether there was such a credential that could not be revoked */
  async forget(alias: string): Promise<boolean> {
    const entry = this.#entries.get(alias);
    if (entry === undefined) return false;
    if (entry.state !== "revoking") {
      throw new LocalError("MISUSE", `${alias} belongs to a running job: cancel that job`);
    }
    await this.#options.store.remove(alias);
    entry.pause?.cancel();
    this.#entries.delete(alias);
    return true;
  }

  list(): OutstandingCredential[] {
    return [...this.#entries.values()].map(({ row, state, failures, lastFailure }) => ({
      ...row,
      state,
      failures,
      lastFailure,
    }));
  }

  /** Resolves once no upstream is being asked to revoke anything. */
  settled(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  /** Stops all attempts; the next process does the rest. */
  close(): void {
    this.#closed = true;
    for (const { pause } of this.#entries.values()) pause?.cancel();
  }

  #enter(row: CredentialRow, state: Entry["state"]): Entry {
    const { clock, doubt } = this.#options;
    const age = Math.max(0, clock.now() - row.askedAt);
    const entry: Entry = {
      row,
      state,
      uncertain: true,
      certainAt: clock.monotonic() + doubt - age,
      attempts: 0,
      failures: 0,
      lastFailure: undefined,
      busy: "no",
      pause: undefined,
    };
    this.#entries.set(row.alias, entry);
    return entry;
  }

  /** Never rejects. */
  async #attempt(entry: Entry): Promise<void> {
    if (entry.busy !== "no") entry.busy = "again";
    if (this.#closed || entry.busy !== "no") return;
    entry.pause?.cancel();
    entry.pause = undefined;
    this.#underWay += 1;
    let done = false;
    do {
      entry.busy = "yes";
      entry.attempts += 1;
      done = await this.#removed(entry);
    } while (isAskedAgain(entry) && !this.#closed);
    entry.busy = "no";
    this.#underWay -= 1;
    if (done) this.#entries.delete(entry.row.alias);
    else if (!this.#closed && this.#entries.get(entry.row.alias) === entry) this.#later(entry);
    if (this.#underWay === 0) for (const settled of this.#onSettled.splice(0)) settled();
  }

  /** @returns whether the credential is gone, here and at the upstream */
  async #removed(entry: Entry): Promise<boolean> {
    try {
      if (!(await this.#revoked(entry))) return false;
      await this.#options.store.remove(entry.row.alias);
      return true;
    } catch (error) {
      this.#failed(entry, nameOf(error));
      return false;
    }
  }

  /** @returns whether the credential is gone at the upstream */
  async #revoked({ row, uncertain, certainAt }: Entry): Promise<boolean> {
    const { provisioners, clock, patience } = this.#options;
    const provisioner = provisioners.get(row.provisioner);
    if (provisioner === undefined) throw new UnknownProvisioner();
    const found = await answerWithin(clock, patience, (signal) =>
      provisioner.revoke(row.alias, signal),
    );
    return found || !uncertain || clock.monotonic() >= certainAt;
  }

  #failed(entry: Entry, failure: string): void {
    entry.failures += 1;
    entry.lastFailure = failure;
    const { alias, job, provisioner } = entry.row;
    const said = { credential: alias, job, provisioner, failures: entry.failures, failure };
    const { logger } = this.#options;
    if (entry.failures === FAILURES_TO_REPORT) {
      logger.error(said, "a credential cannot be revoked and may still be alive");
    } else {
      const level = entry.failures < FAILURES_TO_REPORT ? "warn" : "debug";
      logger[level](said, "a credential could not be revoked yet");
    }
  }

  #later(entry: Entry): void {
    const pause = Math.min(FIRST_PAUSE * 2 ** (entry.attempts - 1), LONGEST_PAUSE);
    entry.pause = this.#options.clock.after(pause, () => void this.#attempt(entry));
  }
}

/** A function, because TypeScript would not expect the field to change during the await. */
function isAskedAgain({ busy }: Entry): boolean {
  return busy === "again";
}

class UnknownProvisioner extends Error {
  override readonly name = "UnknownProvisioner";
}
