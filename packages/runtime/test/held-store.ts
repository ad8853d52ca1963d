import { LocalError } from "@arcp/core";
import type { Store } from "../src/store/index.ts";
import { memoryStore } from "../src/store/memory-store.ts";

/** Calls that wait for the test to let them through, in order. */
export class Gate {
  #open = true;
  #failure: Error | undefined;
  #waiting: Array<() => void> = [];

  /** From now on calls wait. */
  hold(): void {
    this.#open = false;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets through the calls that wait now; later ones wait. */
  async release(): Promise<void> {
    for (const go of this.#waiting.splice(0)) go();
    await settled();
  }

  /** From now on calls reject, including those that wait. */
  fail(failure: Error): void {
    this.#failure = failure;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Lets everything through from now on. */
  async open(): Promise<void> {
    this.#open = true;
    await this.release();
  }

  async pass<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#open && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
    return call();
  }
}

export interface HeldStore extends Store {
  /** How many records each append wrote, over all its jobs. */
  readonly appended: readonly number[];
  /**
   * Holds appends to logs, reads of logs, removals of logs, commits of sessions, claims of sessions, or changes of the
   * job index.
   */
  readonly held: {
    readonly logs: Gate;
    readonly reads: Gate;
    readonly removals: Gate;
    readonly sessions: Gate;
    readonly claims: Gate;
    readonly jobs: Gate;
  };
  /** Fails for good: calls reject from now on, including those that wait. */
  fail(reason: string): void;
}

/** A memory store whose commits the test releases by hand: what waits is not durable, and nobody can read it. */
export function heldStore(inner: Store = memoryStore()): HeldStore {
  const held = {
    logs: new Gate(),
    reads: new Gate(),
    removals: new Gate(),
    sessions: new Gate(),
    claims: new Gate(),
    jobs: new Gate(),
  };
  const { logs, jobs, sessions } = inner;
  const appended: number[] = [];
  const failed = Promise.withResolvers<Error>();
  const store: HeldStore = {
    held,
    appended,
    fail(reason) {
      const failure = new LocalError("CLOSED", reason);
      failed.resolve(failure);
      for (const gate of Object.values(held)) gate.fail(failure);
      const { logs, jobs, sessions, idempotency, credentials } = store;
      for (const part of [logs, jobs, sessions, idempotency, credentials]) {
        for (const name of callsOf(part)) Reflect.set(part, name, () => Promise.reject(failure));
      }
    },
    logs: {
      append: (batches) =>
        held.logs.pass(() => {
          appended.push(batches.reduce((sum, { records }) => sum + records.length, 0));
          return logs.append(batches);
        }),
      read: (job, after, limits) => held.reads.pass(() => logs.read(job, after, limits)),
      listen: (job, ring) => logs.listen(job, ring),
      remove: (job) => held.removals.pass(() => logs.remove(job)),
    },
    jobs: {
      insert: (row) => held.jobs.pass(() => jobs.insert(row)),
      update: (id, change) => held.jobs.pass(() => jobs.update(id, change)),
      get: (id) => jobs.get(id),
      list: (query) => jobs.list(query),
      remove: (id) => jobs.remove(id),
    },
    sessions: {
      insert: (row) => sessions.insert(row),
      findByToken: (hash) => sessions.findByToken(hash),
      get: (id) => sessions.get(id),
      list: () => sessions.list(),
      attachments: (id) => sessions.attachments(id),
      claim: (id, epoch, tokens) => held.claims.pass(() => sessions.claim(id, epoch, tokens)),
      commit: (id, epoch, change) => held.sessions.pass(() => sessions.commit(id, epoch, change)),
      runs: (id) => sessions.runs(id),
      refusal: (id, request) => sessions.refusal(id, request),
      forget: (id) => sessions.forget(id),
      removeRuns: (id) => sessions.removeRuns(id),
    },
    idempotency: inner.idempotency,
    credentials: inner.credentials,
    durable: inner.durable,
    failed: failed.promise,
    close: () => inner.close(),
  };
  return store;
}

/** The calls of a part of a store; a bell is not one. */
function callsOf(part: object): string[] {
  const names = [part, Object.getPrototypeOf(part)].flatMap(Object.getOwnPropertyNames);
  const isCall = (name: string) => typeof Reflect.get(part, name) === "function";
  return names.filter((name) => isCall(name) && !["constructor", "listen"].includes(name));
}

/** Lets every turn of the event loop that is already due pass. */
export async function settled(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
