import assert from "node:assert/strict";
import { ArcpError, LocalError } from "@arcp/core";
import type { Client, Job, ReopenedJob, WatchedJob } from "../src/index.ts";
import { LyingRuntime } from "./lying-runtime.ts";

type Handle = Job | WatchedJob | ReopenedJob;

const STEPS = 120;
/** Milliseconds. */
const PATIENCE = 5_000;

/**
 * Asks one client of a lying runtime all kinds of things, with signals that abort at any moment:
 *
 * 1. Whatever is asked comes to an end in time, and fails with an error of ours or the signal's reason and nothing else.
 * 2. No reader gets an event of its job twice, or behind a later one.
 * 3. Once the client has ended, in whatever way, nothing waits, and no timer and no connection is left.
 *
 * @param seed fixes what is done, and what is lied
 * @returns how much was asked
 */
export async function lies(seed: number): Promise<number> {
  const runtime = new LyingRuntime(seed);
  const eventBuffer = runtime.any([1, 500, 1_000_000]);
  const end = new AbortController();
  const { signal } = end;
  const client = await runtime.connect({ requestTimeout: PATIENCE, eventBuffer, signal });
  const asker = new Asker(runtime, client, signal);
  for (let step = 0; step < STEPS; step++) {
    asker.step();
    if (runtime.chance(0.5)) await turn();
  }
  if (runtime.chance(0.5)) await passing(runtime, asker.requests);
  const ended = runtime.any<() => unknown>([
    () => client.close("enough"),
    () => client.save().catch(() => client.close()),
    () => end.abort(),
  ])();
  await passing(runtime, new Set([Promise.resolve(ended)]));
  await passing(runtime, new Set([...asker.requests, ...asker.waiting]));
  assert.deepEqual(asker.faults, []);
  assert.equal(client.state.kind, "closed");
  assert.deepEqual([runtime.clock.pending, runtime.open], [0, 0]);
  return asker.asked;
}

/** Lets time pass until nothing is left in here. */
async function passing(runtime: LyingRuntime, left: Set<Promise<unknown>>): Promise<void> {
  for (const each of left) void each.then(() => left.delete(each));
  await turn();
  for (let ms = 0; left.size > 0; ms += PATIENCE / 3) {
    assert.ok(ms < STEPS * PATIENCE, `${left.size} wait for ever`);
    runtime.clock.advance(PATIENCE / 3);
    await turn();
  }
}

class Asker {
  /** What waits for one answer. */
  readonly requests = new Set<Promise<unknown>>();
  /** What waits for the end of a job, or of the client. */
  readonly waiting = new Set<Promise<unknown>>();
  /** What failed in another way than it may. */
  readonly faults: unknown[] = [];
  asked = 0;
  readonly #runtime: LyingRuntime;
  readonly #client: Client;
  readonly #end: AbortSignal;
  readonly #handles: Handle[] = [];

  /** @param end aborts to end the client */
  constructor(runtime: LyingRuntime, client: Client, end: AbortSignal) {
    this.#runtime = runtime;
    this.#client = client;
    this.#end = end;
  }

  /** Does one thing. */
  step(): void {
    const [client, runtime] = [this.#client, this.#runtime];
    const { job } = runtime;
    const signal = this.#signal();
    const history = runtime.chance(0.5);
    const idempotencyKey = runtime.chance(0.3) ? "key" : undefined;
    const fromJobSeq = runtime.isOurs && runtime.chance(0.3) ? 2 : undefined;
    runtime.any<() => unknown>([
      () => this.#open(client.submit("echo", null, { signal, idempotencyKey }), signal),
      () => this.#open(client.submit("echo", null, { signal, idempotencyKey }), signal),
      () => this.#open(client.subscribe(job, { history, signal }), signal),
      () => this.#open(client.job(job, { fromJobSeq, signal }), signal),
      () => this.#cancel(signal),
      () => this.#leave(),
      () => this.#wait(this.waiting, client.jobs({}, signal).next(), signal),
      () => runtime.drop(),
      () => client.retryNow(),
      () => runtime.clock.advance(runtime.any([1, 100, 300, 1_000, 6_000, 20_000])),
      () => runtime.speak(),
      () => runtime.speak(),
    ])();
  }

  #open(opened: Promise<Handle>, signal: AbortSignal | undefined): void {
    this.#wait(this.requests, opened, signal);
    opened.then(
      (handle) => {
        this.#handles.push(handle);
        const { waiting } = this;
        const stop = this.#signal();
        if (this.#runtime.chance(0.7)) this.#wait(waiting, this.#read(handle), undefined);
        if (this.#runtime.chance(0.3)) this.#wait(waiting, handle.result(stop), stop);
        if (this.#runtime.chance(0.1)) void handle.outcome(stop);
        if (this.#runtime.chance(0.1)) this.#wait(waiting, handle.bytes(stop), stop);
      },
      () => {},
    );
  }

  #cancel(signal: AbortSignal | undefined): void {
    const handle = this.#handles.at(-1);
    if (handle === undefined || !("cancel" in handle)) return;
    const cancelled = handle.cancel("enough", signal);
    // Nobody need look at an answer.
    if (this.#runtime.chance(0.8)) this.#wait(this.requests, cancelled, signal);
  }

  #leave(): void {
    const handle = this.#handles.shift();
    if (handle !== undefined && "unsubscribe" in handle) handle.unsubscribe();
  }

  async #read({ events }: Handle): Promise<void> {
    const most = this.#runtime.chance(0.3) ? 3 : Number.POSITIVE_INFINITY;
    let [count, last] = [0, 0];
    for await (const { jobSeq } of events) {
      if (jobSeq !== undefined) {
        assert.ok(jobSeq > last, `${jobSeq} came behind ${last}`);
        last = jobSeq;
      }
      count += 1;
      if (count === most) break;
    }
  }

  #wait(among: Set<Promise<unknown>>, answer: Promise<unknown>, signal: AbortSignal | undefined) {
    this.asked += 1;
    among.add(
      answer.catch((error: unknown) => {
        if (error instanceof ArcpError || error instanceof LocalError) return;
        if (error !== signal?.reason && error !== this.#end.reason) this.faults.push(error);
      }),
    );
  }

  /** One that aborts at once, soon, or never. */
  #signal(): AbortSignal | undefined {
    if (this.#runtime.chance(0.6)) return undefined;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    this.#runtime.any<() => unknown>([
      abort,
      () => queueMicrotask(abort),
      () => setImmediate(abort),
      () => {},
    ])();
    return controller.signal;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
