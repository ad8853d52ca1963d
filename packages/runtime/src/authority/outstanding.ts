import { type Clock, type JobId, LocalError, newCredentialAlias, type Timer } from "@arcp/core";
import type { Logger } from "pino";
import type { CredentialRow, CredentialStore } from "../store/index.ts";
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
  /** Milliseconds after which an order that was never answered is not carried out any more. */
  readonly doubt: number;
}

/** What an operator sees of a credential that may be alive at its upstream. */
export interface OutstandingCredential extends CredentialRow {
  readonly state: "ordered" | "issued" | "revoking";
  /** How often its revocation has failed in this process. */
  readonly failures: number;
  /** The name of what went wrong last, without the upstream's words: they may quote a secret. */
  readonly lastFailure: string | undefined;
}

interface Entry {
  readonly row: CredentialRow;
  state: OutstandingCredential["state"];
  /** Whether the upstream may make it yet: it was asked and has not answered. */
  uncertain: boolean;
  /** When it will not do so any more, by the monotonic clock: the wall clock may be set meanwhile. */
  readonly certainAt: number;
  /** How often it was asked to revoke it. */
  attempts: number;
  failures: number;
  lastFailure: string | undefined;
  /** Whether the upstream is being asked to revoke it, and if so, whether that has to be done once more. */
  busy: "no" | "yes" | "again";
  /** Set between two attempts. */
  pause: Timer | undefined;
}

/** Milliseconds between the first two attempts, doubled from one to the next. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 60_000;
/** Failures after which the operator is told that it does not work out. */
const FAILURES_TO_REPORT = 5;
/** Revocations that are under way at a time of those that the process before this one left behind. */
const LANES = 16;

/**
 * Every credential that may be alive at its upstream, from before it is ordered until it is known to be revoked.
 *
 * - What it knows is durable before the upstream is asked (R-9.8-4), so a crash at any moment leaves nothing behind that
 *   the next process does not revoke.
 * - A revocation is tried until it succeeds (R-9.8-8). That the upstream knows of none is a success, but not while an
 *   order may still be on its way.
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

  /** Revokes what the process before this one left behind: the values went with it. Resolves when that has begun. */
  async recover(): Promise<void> {
    const entries = (await this.#options.store.list()).map((row) => this.#enter(row, "revoking"));
    const rest = entries.values();
    const lane = async (): Promise<void> => {
      for (const entry of rest) await this.#attempt(entry);
    };
    for (let count = 0; count < LANES; count++) void lane();
  }

  /**
   * A credential is about to be ordered. Resolves when that is durable.
   * @returns its alias
   */
  async order(job: JobId, provisioner: string): Promise<string> {
    const { store, clock } = this.#options;
    const alias = newCredentialAlias();
    const row = { alias, job, provisioner, askedAt: clock.now() };
    try {
      await store.insert(row);
    } catch (error) {
      // It may be there all the same, and the next process would look for what was never ordered.
      await store.remove(alias).catch(() => {});
      throw error;
    }
    this.#enter(row, "ordered");
    return alias;
  }

  /** The upstream has answered: it has made the credential, or will not make it. */
  answered(alias: string): void {
    const entry = this.#entries.get(alias);
    if (entry === undefined) return;
    entry.uncertain = false;
    if (entry.state === "ordered") entry.state = "issued";
  }

  /** An order was carried out after nobody waited for it any more. */
  surfaced(row: CredentialRow): void {
    const known = this.#entries.get(row.alias);
    if (known === undefined) {
      this.#enter(row, "ordered");
      // Its revocation does not wait for that.
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
   * @param again also when that has begun already
   */
  revoke(alias: string, again = false): void {
    const entry = this.#entries.get(alias);
    if (entry === undefined || (entry.state === "revoking" && !again)) return;
    entry.state = "revoking";
    void this.#attempt(entry);
  }

  /** Tries what is to be revoked once more, now. @returns how many that are */
  retry(): number {
    const waiting = [...this.#entries.values()].filter(({ pause }) => pause !== undefined);
    for (const entry of waiting) void this.#attempt(entry);
    return waiting.length;
  }

  /** The operator has seen to it. @returns whether there was such a credential that could not be revoked */
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

  /** Tries nothing any more: what is left is the next process's. */
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

  /** @returns whether nothing is left of it, here and at the upstream */
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

  /** @returns whether nothing is left of it at the upstream */
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

/** Read anew: it may have changed during an await. */
function isAskedAgain({ busy }: Entry): boolean {
  return busy === "again";
}

class UnknownProvisioner extends Error {
  override readonly name = "UnknownProvisioner";
}
