import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { JobId, MessageId, SessionId } from "@arcp/core";
import { memoryStore } from "@arcp/runtime";
import type { LogPage, LogRecord, LogStore, RecordKind, Store } from "@arcp/runtime/store";
import fc from "fast-check";
import type { Connection } from "../src/connection.ts";
import { openDatabase } from "../src/database-file.ts";
import { storeOn } from "../src/sqlite-store.ts";
import { CrashingDatabase, Fault } from "./crashing-database.ts";
import { PoweredFile } from "./powered-file.ts";

// Few enough that operations collide, and limits low enough that logs lose their oldest records.
const JOBS = ["job_0", "job_1", "job_2"] as JobId[];
const SESSIONS = ["sess_0", "sess_1"] as SessionId[];
const TOKENS = ["t0", "t1", "t2", "t3"];
const LIMITS = { logLimits: { records: 12, characters: 400 }, totalLogCharacters: 600 };
/** Jobs are indexed at nearly every new one. */
const UNINDEXED = 1;
const KINDS: readonly RecordKind[] = ["event", "result_chunk", "progress", "terminal"];
/** A script writes few pages. So there is a checkpoint at each transaction, and during a sync at every few. */
const CHECKPOINTS = 1000;
const ALL = { records: 1000, characters: 1_000_000 };

const job = fc.nat(JOBS.length - 1);
const session = fc.nat(SESSIONS.length - 1);
const tokens = fc.subarray(TOKENS);
/** Usually the position or epoch that fits. */
const off = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1));

const aRecord = fc.tuple(fc.nat(KINDS.length - 1), fc.nat(80));
const aBatch = fc.record({
  job,
  off,
  records: fc.oneof(
    { weight: 9, arbitrary: fc.array(aRecord, { maxLength: 6 }) },
    // More than are kept in memory.
    fc.array(aRecord, { minLength: 15, maxLength: 18 }),
  ),
  /** Set if these records finish their job. */
  finishedAt: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
});
const aChange = fc.record(
  {
    runs: fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), job), { minLength: 1, maxLength: 3 }),
    cut: fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(12)), {
      minLength: 1,
      maxLength: 2,
    }),
    attach: fc.uniqueArray(job, { minLength: 1 }),
    detach: fc.array(job, { minLength: 1 }),
    tokens,
    issued: fc.nat(9),
    acked: fc.nat(9),
  },
  { requiredKeys: [] },
);

const aStep = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ append: fc.array(aBatch, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ commit: aChange, session, off }) },
  { weight: 2, arbitrary: fc.record({ claim: tokens, session, off }) },
  { weight: 2, arbitrary: fc.record({ insertSession: session, tokens }) },
  fc.record({ forget: session }),
  fc.record({ removeRuns: session }),
  { weight: 2, arbitrary: fc.record({ insertJob: job, at: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ updateJob: job, finished: fc.boolean() }) },
  fc.record({ removeJob: job }),
  { weight: 2, arbitrary: fc.record({ removeLog: job }) },
  { weight: 2, arbitrary: fc.record({ put: fc.nat(2), job }) },
  fc.record({ removeKeys: job }),
  { weight: 5, arbitrary: fc.constant("turn" as const) },
  { weight: 4, arbitrary: fc.constant("wait" as const) },
  fc.record({ reopen: fc.option(fc.record({ crash: fc.nat(20), after: fc.boolean() })) }),
  { weight: 4, arbitrary: fc.record({ crash: fc.nat(60), after: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ crashAtCommit: fc.nat(2), after: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ failIn: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.constant("powerLoss" as const) },
  fc.constant("brokenDisk" as const),
);
export type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

/** Operations of every interface, crashes, power losses, failing syncs, restarts and waits, in any order. */
export const aScript: fc.Arbitrary<Step[]> = fc.array(aStep, { minLength: 5, maxLength: 60 });

/** One call of the store, with its arguments: the same for the store and for its model. */
type Operation = (store: Store) => Promise<unknown>;

/** What scripts did, to show that they did something. */
export const tally = {
  runs: 0,
  operations: 0,
  crashes: 0,
  losses: 0,
  /** Stores that ended because a sync had failed, and not by a crash. */
  failures: 0,
  /** Write-ahead logs that had been restarted after a checkpoint when a crash or close left them. */
  renewed: 0,
  unacknowledged: 0,
  /** Calls without any effect, in a store that went on. */
  undone: 0,
  kept: 0,
};

interface Fuse {
  readonly crash: number;
  readonly after: boolean;
}

interface Flight {
  readonly operation: Operation;
  state: "waiting" | "acknowledged" | "undone" | "failed";
  outcome?: unknown;
}

/**
 * A store on a file and a model of it in memory. After a crash, what the store acknowledged must be in the file, in the
 * order of the calls; of the unacknowledged calls, the first few may be, each call whole. Nothing of a failed
 * transaction is left, neither in the file nor in memory.
 */
export class Interleaving {
  readonly #model = memoryStore(LIMITS);
  readonly #newFile: () => string;
  #place: string;
  #image: string;
  #database: CrashingDatabase | undefined;
  #disk: PoweredFile | undefined;
  #store: Store | undefined;
  #flights: Flight[] = [];
  #records = 0;
  /** Where the next call fits, if all in flight take effect. */
  #heads = new Map<JobId, number>();
  #epochs = new Map<SessionId, number>();

  /** @param newFile a path at which there is no file yet */
  constructor(newFile: () => string) {
    this.#newFile = newFile;
    this.#place = newFile();
    this.#image = newFile();
  }

  async play(script: readonly Step[]): Promise<void> {
    tally.runs += 1;
    try {
      this.#open();
      for (const step of script) {
        if (step === "turn") await turn();
        else if (step === "wait") await this.#settle();
        else if (step === "powerLoss") this.#losePower();
        else if (step === "brokenDisk") this.#disk?.break();
        else if ("reopen" in step) await this.#reopen(step.reopen);
        else if ("failIn" in step) this.#database?.failIn(step.failIn);
        else if ("crash" in step) this.#database?.light(step.crash, step.after);
        else if ("crashAtCommit" in step)
          this.#database?.light(step.crashAtCommit, step.after, /^COMMIT/);
        else this.#send(this.#operation(step));
        if (this.#database?.crashed) await this.#recover();
      }
      await this.#settle();
      await this.#reopen();
      await this.#settle();
    } finally {
      await this.#store?.close();
    }
  }

  /** @param fuse a crash on the way */
  #open(fuse?: Fuse): void {
    const connect = (place: string): CrashingDatabase => {
      this.#database = new CrashingDatabase(place, this.#image, CHECKPOINTS);
      if (fuse) this.#database.light(fuse.crash, fuse.after);
      return this.#database;
    };
    const insert = (): PoweredFile => {
      this.#disk = new PoweredFile(this.#place);
      return this.#disk;
    };
    let connection: Connection | undefined;
    try {
      connection = openDatabase(this.#place, connect, insert);
      this.#store = storeOn(connection, LIMITS, UNINDEXED);
    } catch (error) {
      connection?.close();
      if (!this.#database?.crashed) throw error;
      tally.crashes += 1;
      this.#moveToImage();
      this.#open();
    }
  }

  async #reopen(fuse?: Fuse | null): Promise<void> {
    this.#countLog();
    this.#database?.mend();
    await this.#store?.close().catch(() => {});
    await this.#landed();
    if (this.#hasEnded) return this.#recover();
    await this.#applyAll();
    this.#open(fuse ?? undefined);
    if (!this.#database?.crashed) await this.#compare();
  }

  get #hasEnded(): boolean {
    return this.#database?.crashed === true || this.#disk?.isBroken === true;
  }

  #losePower(): void {
    if (this.#database?.crashed !== false || this.#disk === undefined) return;
    tally.losses += 1;
    this.#database.stop();
    this.#disk.losePower(this.#image);
  }

  #moveToImage(): void {
    this.#place = this.#image;
    this.#image = this.#newFile();
    this.#countLog();
  }

  #countLog(): void {
    if (checkpointsOf(`${this.#place}-wal`) > 0) tally.renewed += 1;
  }

  async #landed(): Promise<void> {
    while (this.#flights.some(({ state }) => state === "waiting")) await turn();
  }

  /** Waits for everything in flight, all of which takes effect unless the store crashes. */
  async #settle(): Promise<void> {
    await this.#landed();
    if (this.#hasEnded) return this.#recover();
    await this.#applyAll();
    await this.#compare();
  }

  async #applyAll(): Promise<void> {
    const isOff = this.#dropUndone();
    for (const { state } of this.#flights) assert.equal(state, "acknowledged");
    await this.#apply(this.#flights.length);
    if (isOff) await this.#findPlaces();
  }

  /** @returns whether there were any */
  #dropUndone(): boolean {
    const others = this.#flights.filter(({ state }) => state !== "undone");
    const count = this.#flights.length - others.length;
    this.#flights = others;
    tally.undone += count;
    return count > 0;
  }

  /** Where the next calls fit now. */
  async #findPlaces(): Promise<void> {
    for (const id of JOBS) this.#heads.set(id, (await this.#model.logs.read(id, 0, ALL)).head);
    for (const id of SESSIONS)
      this.#epochs.set(id, (await this.#model.sessions.get(id))?.epoch ?? 1);
  }

  async #recover(): Promise<void> {
    await this.#store?.close();
    await this.#landed();
    if (this.#database?.crashed) {
      tally.crashes += 1;
      this.#moveToImage();
    } else {
      tally.failures += 1;
    }
    this.#open();
    this.#dropUndone();
    const acknowledged = this.#flights.filter(({ state }) => state === "acknowledged").length;
    for (const { state } of this.#flights.slice(0, acknowledged))
      assert.equal(state, "acknowledged", "acknowledged out of order");
    await this.#apply(acknowledged);
    const unsure = this.#flights.length;
    tally.unacknowledged += unsure;
    // The first of the unacknowledged calls may have taken effect, but none without those before it.
    const found = await this.#stateOf(this.#liveStore);
    let modelled = await this.#stateOf(this.#model);
    while (found !== modelled && this.#flights.length > 0) {
      await this.#apply(1);
      modelled = await this.#stateOf(this.#model);
    }
    if (found !== modelled) assert.deepEqual(JSON.parse(found), JSON.parse(modelled));
    tally.kept += unsure - this.#flights.length;
    this.#flights = [];
    await this.#findPlaces();
  }

  /** Applies the first calls in flight to the model, and compares the answers of both. */
  async #apply(count: number): Promise<void> {
    for (const { operation, state, outcome } of this.#flights.splice(0, count)) {
      const expected = await operation(this.#model);
      if (state === "acknowledged") assert.deepEqual(outcome, expected);
    }
  }

  async #compare(): Promise<void> {
    const [found, modelled] = [
      await this.#stateOf(this.#liveStore),
      await this.#stateOf(this.#model),
    ];
    if (found !== modelled) assert.deepEqual(JSON.parse(found), JSON.parse(modelled));
  }

  get #liveStore(): Store {
    assert(this.#store !== undefined);
    return this.#store;
  }

  #send(operation: Operation): void {
    tally.operations += 1;
    const flight: Flight = { operation, state: "waiting" };
    this.#flights.push(flight);
    operation(this.#liveStore).then(
      (outcome) => {
        flight.state = "acknowledged";
        flight.outcome = outcome;
      },
      (error: unknown) => {
        flight.state = error instanceof Fault ? "undone" : "failed";
      },
    );
  }

  #operation(
    step: Exclude<
      Step,
      string | Fuse | { failIn: number } | { crashAtCommit: number } | { reopen: unknown }
    >,
  ): Operation {
    if ("append" in step) return this.#append(step.append);
    if ("commit" in step) {
      const id = at(SESSIONS, step.session);
      const { runs, cut, attach, detach, issued, tokens: hashes, ...rest } = step.commit;
      const role = "owner" as const;
      const first = runs?.[0]?.[0] ?? 1;
      const change = {
        ...rest,
        ...(issued === undefined ? {} : { issued }),
        ...(hashes && { tokens: mine(id, hashes) }),
        ...(runs && {
          runs: runs.map(([gap, index], k) => ({
            from: first + 5 * k,
            job: at(JOBS, index),
            jobFrom: gap,
            role,
          })),
        }),
        // Ascending, and sometimes empty.
        ...(cut && {
          cut: cut.map(([from, length], k) => ({
            from: from + 40 * k,
            to: from + 40 * k + length - 1,
          })),
        }),
        ...(attach && {
          attach: attach.map((index) => ({ job: at(JOBS, index), role, after: index, since: 0 })),
        }),
        ...(detach && { detach: detach.map((index) => at(JOBS, index)) }),
      };
      const epoch = (this.#epochs.get(id) ?? 1) + step.off;
      return ({ sessions }) => sessions.commit(id, epoch, change);
    }
    if ("claim" in step) {
      const id = at(SESSIONS, step.session);
      const epoch = (this.#epochs.get(id) ?? 1) + step.off;
      if (step.off === 0) this.#epochs.set(id, epoch + 1);
      return ({ sessions }) => sessions.claim(id, epoch, mine(id, step.claim));
    }
    if ("insertSession" in step) {
      const id = at(SESSIONS, step.insertSession);
      this.#epochs.set(id, 1);
      const row = { id, principal: "alice", features: [], epoch: 1, acked: 0 };
      // A session is inserted once, unless it was forgotten in between.
      return async ({ sessions }) => {
        await Promise.all([
          sessions.forget(id),
          sessions.insert({ ...row, tokens: mine(id, step.tokens) }),
        ]);
      };
    }
    if ("forget" in step) return ({ sessions }) => sessions.forget(at(SESSIONS, step.forget));
    if ("removeRuns" in step)
      return ({ sessions }) => sessions.removeRuns(at(SESSIONS, step.removeRuns));
    if ("insertJob" in step) {
      const row = {
        id: at(JOBS, step.insertJob),
        principal: step.insertJob === 0 ? "alice" : "bob",
        session: at(SESSIONS, 0),
        features: ["ack"],
        request: "msg_1" as MessageId,
        agent: "echo@1.0.0",
        input: "{}",
        lease: {},
        traceId: "f".repeat(32),
        acceptedAt: step.at,
        status: "pending" as const,
      };
      return ({ jobs }) => jobs.insert(row);
    }
    if ("updateJob" in step) {
      const change = step.finished
        ? { status: "success" as const, finishedAt: 7 }
        : { status: "running" as const, cancel: { reason: "enough" } };
      return ({ jobs }) => jobs.update(at(JOBS, step.updateJob), change);
    }
    if ("removeJob" in step) return ({ jobs }) => jobs.remove(at(JOBS, step.removeJob));
    if ("removeLog" in step) {
      this.#heads.set(at(JOBS, step.removeLog), 0);
      return ({ logs }) => logs.remove(at(JOBS, step.removeLog));
    }
    if ("put" in step) {
      const record = {
        principal: "alice",
        key: `k${step.put}`,
        fingerprint: `${tally.operations}`,
        job: at(JOBS, step.job),
        acceptedAt: 1,
      };
      return ({ idempotency }) => idempotency.put(record);
    }
    return ({ idempotency }) => idempotency.removeJob(at(JOBS, step.removeKeys));
  }

  #append(given: readonly (typeof aBatch extends fc.Arbitrary<infer T> ? T : never)[]): Operation {
    const batches = given.map(({ job: index, off: wrong, records, finishedAt }) => {
      const id = at(JOBS, index);
      const head = this.#heads.get(id) ?? 0;
      if (wrong === 0) this.#heads.set(id, head + records.length);
      return {
        job: id,
        after: head + wrong,
        records: records.map(([kind, length]): LogRecord => {
          this.#records += 1;
          return { kind: at(KINDS, kind), text: `${this.#records} ${"é".repeat(length)}` };
        }),
        ...(finishedAt !== undefined && { change: { status: "error" as const, finishedAt } }),
      };
    });
    return ({ logs }) => logs.append(batches);
  }

  /** Everything that a store knows, as a text. */
  async #stateOf(store: Store): Promise<string> {
    const read = async (): Promise<string> => {
      const { logs, jobs, sessions, idempotency } = store;
      const perSession = SESSIONS.map(async (id) => {
        const row = await sessions.get(id);
        const runs = await sessions.runs(id);
        const attachments = await sessions.attachments(id);
        return [
          row && [row.id, row.principal, row.epoch, row.tokens, row.issued ?? null, row.acked],
          runs.map(({ from, job: of, jobFrom, role, to }) => [from, of, jobFrom, role, to ?? null]),
          attachments.map(({ job: of, role, after, since }) => [of, role, after, since]),
        ];
      });
      const perToken = SESSIONS.flatMap((id) => mine(id, TOKENS)).map((hash) =>
        sessions.findByToken(hash),
      );
      const perKey = [0, 1, 2].map(async (index) => {
        const record = await idempotency.get("alice", `k${index}`);
        return record && [record.job, record.fingerprint];
      });
      const rows = (await jobs.list({ limit: 99 })).map((row) => [
        row.id,
        row.acceptedAt,
        row.status,
        row.finishedAt ?? null,
        row.cancel?.reason ?? null,
      ]);
      return JSON.stringify({
        logs: await Promise.all(JOBS.map((id) => logs.read(id, 0, ALL))),
        tails: await Promise.all(JOBS.map((id) => tailsOf(logs, id))),
        rows,
        ids: (await sessions.list()).toSorted(),
        sessions: await Promise.all(perSession),
        tokens: await Promise.all(perToken),
        keys: await Promise.all(perKey),
      });
    };
    return this.#database === undefined ? read() : this.#database.safely(read);
  }
}

/** How often the write-ahead log was restarted, as its header says. */
function checkpointsOf(wal: string): number {
  const header = existsSync(wal) ? readFileSync(wal).subarray(0, 32) : Buffer.alloc(0);
  return header.length === 32 ? header.readUInt32BE(12) : 0;
}

/** The last records, read from several positions, as some of them may come from memory. */
async function tailsOf(logs: LogStore, id: JobId): Promise<LogPage[]> {
  const { head } = await logs.read(id, 0, { records: 0, characters: 0 });
  return Promise.all(
    [1, 2, 3, 4, 5, 6].map((count) => logs.read(id, Math.max(0, head - count), ALL)),
  );
}

/** Tokens are never shared between sessions. */
function mine(id: SessionId, hashes: readonly string[]): string[] {
  return hashes.map((hash) => `${id} ${hash}`);
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  assert(found !== undefined);
  return found;
}
