import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Transport } from "@arcp/core";
import { pino } from "pino";
import { type Client, connect, type JobEvent } from "../src/index.ts";
import { Hosted, numbers, upTo } from "./hosted.ts";
import { sequence } from "./sequence.ts";

/** Numbers that the job logs. */
const LENGTH = 600;
const STEPS = 30;

export interface ManyHandles {
  /** Readers that read something to its end. */
  readonly readers: number;
  /** Resumes that were refused, so that a fresh session followed. */
  readonly refused: number;
}

/**
 * One job, and handles of every kind that come, read at their own pace and leave, while the connection is cut again and again
 * and the session is lost most times. Each reader has to get what its handle promises, once and in order.
 *
 * @param seed fixes what is done, and in which order, but not when frames arrive
 * @throws AssertionError when a reader misses or repeats something
 */
export async function manyHandles(seed: number): Promise<ManyHandles> {
  const random = sequence(seed);
  const warnings: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });
  await using house = new Hosted({ logger });
  let refused = 0;
  const dial = async (): Promise<Transport> => {
    const transport = await house.dial();
    const spoilt = (frame: string): string => {
      if (!frame.includes('"session.resume"') || random() < 0.3) return frame;
      refused += 1;
      return frame.replace(/"resume_token":"[^"]*"/, '"resume_token":"rt_unknown"');
    };
    return {
      frames: transport.frames,
      send: (batch) => transport.send(batch.map(spoilt)),
      close: (reason) => transport.close(reason),
    };
  };
  const eventBuffer = 3_000 + Math.floor(random() * 8_000);
  const client = await connect(dial, { token: "secret", eventBuffer });
  let n = 0;
  const reading = new Readings(client, random, () => n);
  const first = await reading.begin();
  for (let step = 0; step < STEPS; step++) {
    n = Math.min(LENGTH, n + Math.floor(random() * 40));
    house.counting.upTo(n);
    if (random() < 0.5) await pause(random() * 6);
    if (random() < 0.35) {
      house.sever();
      client.retryNow();
    } else {
      reading.open();
    }
  }
  n = LENGTH;
  house.counting.upTo(n);
  house.counting.end();
  for (let cuts = 0; cuts < 3; cuts++) {
    await pause(20);
    house.sever();
    client.retryNow();
  }
  const readers = await reading.over();
  assert.equal(await first.result(), LENGTH);
  await client.close();
  // The runtime warns of the resumes that were spoilt, as far as they arrived, and of nothing else.
  for (const line of warnings) assert.match(line, /"code":"RESUME_WINDOW_EXPIRED"/);
  assert.ok(warnings.length <= refused, `${warnings.length} warnings of ${refused} lost sessions`);
  return { readers, refused };
}

/** What is read of one job by the handles of one client. */
class Readings {
  readonly #client: Client;
  readonly #random: () => number;
  readonly #reached: () => number;
  readonly #all: Promise<void>[] = [];
  #jobId = "";

  /** @param reached the number that the job may have come to */
  constructor(client: Client, random: () => number, reached: () => number) {
    this.#client = client;
    this.#random = random;
    this.#reached = reached;
  }

  async begin() {
    const job = await this.#submit();
    this.#jobId = job.id;
    this.#whole(job.events);
    return job;
  }

  /** Opens one more handle. */
  open(): void {
    const [kind, client, id] = [this.#random(), this.#client, this.#jobId];
    if (kind < 0.25) {
      this.#add(client.job(id).then((job) => this.#whole(job.events)));
    } else if (kind < 0.4) {
      const from = Math.floor(this.#random() * this.#reached());
      // The job's first event is its beginning.
      const opened = client.subscribe(id, { fromJobSeq: from + 1 });
      this.#add(opened.then((job) => this.#read(job.events, upTo(LENGTH).slice(from))));
    } else if (kind < 0.55) {
      this.#add(client.subscribe(id).then((job) => this.#live(job.events, this.#reached())));
    } else if (kind < 0.7) {
      const most = Math.floor(this.#random() * 20) + 1;
      this.#add(
        client.subscribe(id, { history: true }).then(async (job) => {
          const seen: JobEvent[] = [];
          for await (const event of job.events) if (seen.push(event) === most) break;
          job.unsubscribe();
          const came = numbers(seen.filter(isOfJob));
          assert.deepEqual(came, upTo(came.length));
        }),
      );
    } else if (kind < 0.85) {
      this.#add(this.#submit().then((job) => this.#whole(job.events)));
    } else {
      const stop = AbortSignal.timeout(Math.ceil(this.#random() * 5));
      const opened = client.subscribe(id, { history: true, signal: stop });
      this.#add(
        opened.then(
          (job) => job.unsubscribe(),
          (error) => assert.equal(error, stop.reason),
        ),
      );
    }
  }

  /** @returns how many there were */
  async over(): Promise<number> {
    // Whoever is read may be followed by another one until then.
    for (const each of this.#all) await each;
    return this.#all.length;
  }

  #submit() {
    return this.#client.submit<number>("counting", null, { idempotencyKey: "one" });
  }

  #add(reading: Promise<void>): void {
    reading.catch(() => {});
    this.#all.push(reading);
  }

  #whole(events: AsyncIterable<JobEvent>): void {
    this.#add(this.#read(events, upTo(LENGTH)));
  }

  async #read(events: AsyncIterable<JobEvent>, expected: readonly number[]): Promise<void> {
    assert.deepEqual(await this.#numbers(events), expected);
  }

  /** What comes from some moment on has no hole. @param reached the number that the job may have come to by then */
  async #live(events: AsyncIterable<JobEvent>, reached: number): Promise<void> {
    const seen = await this.#numbers(events);
    assert.deepEqual(seen, upTo(LENGTH).slice(LENGTH - seen.length));
    assert.ok(seen.length >= LENGTH - reached, `${seen.length} came from ${reached} on`);
  }

  async #numbers(events: AsyncIterable<JobEvent>): Promise<number[]> {
    const pace = [0, 1, 5, 30][Math.floor(this.#random() * 4)] ?? 0;
    const seen: JobEvent[] = [];
    for await (const event of events) {
      if (!isOfJob(event)) continue;
      seen.push(event);
      if (pace > 0 && seen.length % pace === 0) await pause(1);
    }
    return numbers(seen);
  }
}

/** Not a notice of the session's own. */
function isOfJob({ kind, body }: JobEvent): boolean {
  return !(kind === "status" && body.phase === "back_pressure");
}
