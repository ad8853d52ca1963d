import assert from "node:assert/strict";
import type { JobId } from "@arcp/core";
import { settled } from "../held-store.ts";
import { hosts, type LedRun } from "../hosts.ts";
import { type Frame, Viewer } from "../viewer.ts";
import { Random } from "./random.ts";
import { Trouble } from "./trouble.ts";

/** What happened, in total. */
export interface ReturnTally {
  readonly resumes: number;
  readonly crashes: number;
  readonly events: number;
}

const STEPS = 40;

/**
 * A client drops, is taken over by itself, and outlives its runtime, while its jobs emit, it watches others' jobs, and
 * the meaning of its numbers is stored late, or fails to be, as the seed has it. The guarantees still hold: a number
 * that it saw means the same record for ever, a resume goes on right after what it asked for, and in the end it has
 * every record of its jobs, each once and in order (P1, P2, P5, R-6.3-8, R-6.3-15, R-6.3-20).
 *
 * @throws AssertionError when that does not hold
 */
export async function playReturns(seed: number): Promise<ReturnTally> {
  const walk = new Walk(seed);
  await walk.begin();
  for (let step = 0; step < STEPS; step++) await walk.step();
  await walk.end();
  const { resumes, crashes, events } = walk;
  return { resumes, crashes, events };
}

class Walk {
  readonly #random: Random;
  readonly #rig = hosts();
  readonly #trouble: Trouble;
  /** A client that acknowledges asks for nothing again. */
  readonly #acks: boolean;
  #runtime = this.#rig.start();
  #viewer = new Viewer(this.#runtime);
  #welcome: Frame | undefined;
  /** What each number was seen to mean. */
  readonly #meanings = new Map<number, string>();
  /** The number after which the present connection was resumed. */
  #after = 0;
  readonly #own: string[] = [];
  readonly #others: string[] = [];
  #live: LedRun[] = [];
  resumes = 0;
  crashes = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#acks = seed % 2 === 1;
    this.#trouble = new Trouble(this.#random, 30);
    // Failing attachments and claims are refused, which this test is not about.
    this.#trouble.meets(
      this.#rig.store.sessions,
      "commit",
      (_id, _epoch, { runs, attach }) => runs !== undefined && attach === undefined,
    );
  }

  get events(): number {
    return this.#meanings.size;
  }

  async begin(): Promise<void> {
    const features = ["subscribe", "agent_versions", "progress"];
    this.#welcome = await this.#viewer.hello(this.#acks ? [...features, "ack"] : features);
  }

  async step(): Promise<void> {
    const deed = this.#random.below(100);
    if (deed < 8) await this.#neighbour();
    else if (deed < 30) await this.#submit();
    else if (deed < 60) void this.#random.oneOf(this.#live)?.ctx.log.info("x");
    else if (deed < 72) this.#random.oneOf(this.#live)?.end("done");
    else if (deed < 80) this.#watch();
    else if (deed < 85 && this.#acks) {
      this.#viewer.send("session.ack", { last_processed_seq: this.#meanings.size });
    } else if (deed < 95) await this.#leave();
    if (this.#random.hits(50)) await settled();
    this.#note();
    // A commit that fails ends the connection.
    if (await this.#isOver()) await this.#comeBack();
  }

  /** From here on nothing fails: now everything must arrive. */
  async end(): Promise<void> {
    this.#trouble.end();
    for (const { end } of this.#live) end("done");
    await this.#pass();
    await this.#comeBack();
    await this.#pass();
    this.#note();
    const numbers = [...this.#meanings.keys()].sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
      "P1: the numbers of the session",
    );
    const seen = numbers.map((number) => this.#meanings.get(number));
    for (const job of this.#own) {
      const limits = { records: 1000, characters: 1e6 };
      const { records } = await this.#rig.store.logs.read(job as JobId, 0, limits);
      assert.deepEqual(
        seen.filter((meaning) => meaning?.startsWith(job)),
        records.map((_, i) => `${job} ${i + 1}`),
        `what was seen of ${job}`,
      );
    }
    await this.#runtime.close();
  }

  async #submit(): Promise<void> {
    const run = this.#rig.nextRun();
    const gone = this.#viewer.ended.then(() => undefined);
    const accepted = await Promise.race([this.#viewer.submit("led"), gone]);
    if (accepted?.job_id === undefined) return;
    this.#own.push(accepted.job_id);
    this.#live.push(await run);
  }

  /** Another client's job, in a session of its own. */
  async #neighbour(): Promise<void> {
    const viewer = new Viewer(this.#runtime);
    await viewer.hello();
    const { id, ...run } = await this.#rig.submit(viewer);
    this.#others.push(id);
    this.#live.push(run);
  }

  #watch(): void {
    const job = this.#random.oneOf(this.#others);
    if (job === undefined) return;
    const type = this.#random.hits(60) ? "job.subscribe" : "job.unsubscribe";
    this.#viewer.send(type, { job_id: job, history: this.#random.hits(50) }, { job_id: job });
  }

  async #leave(): Promise<void> {
    if (this.#random.hits(50)) await settled();
    if (this.#random.hits(30)) {
      this.crashes += 1;
      this.#live = [];
      this.#runtime = this.#rig.start();
    } else if (this.#random.hits(60)) this.#viewer.sever();
    this.#note();
    await this.#comeBack();
  }

  /** Resumes, also while the old connection lives. */
  async #comeBack(): Promise<void> {
    this.#note();
    const again = this.#acks || this.#random.hits(60) ? 0 : this.#random.below(4);
    this.#after = Math.max(0, this.#meanings.size - again);
    this.#viewer = new Viewer(this.#runtime);
    assert.ok(this.#welcome);
    this.#welcome = await this.#viewer.resume(this.#welcome, this.#after);
    assert.equal(this.#welcome.type, "session.welcome", `a resume behind ${this.#after}`);
    this.resumes += 1;
  }

  /** Compares what arrived on the present connection with what is known. */
  #note(): void {
    const { seqs, stream } = this.#viewer;
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => this.#after + i + 1),
      `R-6.3-8: what came behind ${this.#after}`,
    );
    for (const { event_seq = 0, job_id, job_seq } of stream) {
      const meaning = `${job_id} ${job_seq}`;
      const known = this.#meanings.get(event_seq) ?? meaning;
      assert.equal(meaning, known, `P2: what ${event_seq} means`);
      this.#meanings.set(event_seq, meaning);
    }
  }

  #isOver(): Promise<boolean> {
    const over = this.#viewer.ended.then(() => true);
    return Promise.race([over, settled().then(() => false)]);
  }

  async #pass(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      await settled();
      this.#rig.clock.advance(50);
    }
  }
}
