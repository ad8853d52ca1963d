import assert from "node:assert/strict";
import type { HeldBytes, Frame as Sent } from "@arcp/core";
import { settled } from "../held-store.ts";
import { hosting, type LedJob } from "../hosting.ts";
import { type Frame, Viewer } from "../viewer.ts";
import { Random } from "./random.ts";
import { Trouble } from "./trouble.ts";
import { WatchedBlocks } from "./watched-blocks.ts";

/** What happened, in total. */
export interface LongTextTally {
  /** Pieces of results that somebody read. */
  readonly read: number;
  /** Pieces that were evicted before the end. */
  readonly evicted: number;
  readonly connections: number;
  readonly resumes: number;
  /** Blocks of memory that texts were in. */
  readonly blocks: number;
}

const STEPS = 60;

/** Characters that the store keeps: a few pieces. */
const KEPT = 250_000;

/** Bytes of blocks: a text has at most three per character, its block is an eighth larger, and some texts are in flight. */
const MOST_IN_USE = 2 * 1024 * 1024;

/**
 * Jobs stream long pieces through a store that keeps a few of them, to connections that read late, break, and begin anew,
 * while writes to the store are late or fail. Whatever is read is what was written, byte by byte; and when all jobs are
 * removed, all memory of their texts has been returned, each block once.
 *
 * @throws AssertionError when that does not hold
 */
export async function playLongTexts(seed: number): Promise<LongTextTally> {
  using blocks = new WatchedBlocks();
  const walk = new Walk(seed);
  for (let step = 0; step < STEPS; step++) {
    await walk.step();
    assert(walk.fails || blocks.inUse < MOST_IN_USE, `${blocks.inUse} bytes are in use`);
  }
  await walk.end();
  if (!walk.fails) assert.equal(blocks.inUse, 0);
  const { read, evicted, connections, resumes } = walk;
  return { read, evicted, connections, resumes, blocks: blocks.count };
}

interface Streaming extends LedJob {
  readonly number: number;
  readonly isText: boolean;
  written: number;
}

/** How far the client of a connection is in its session. */
interface Place {
  seq: number;
  welcome: Frame | undefined;
}

class Walk {
  /** Whether appends fail: then a job may lose its log, and leaves unsent texts to the garbage collector. */
  readonly fails: boolean;
  readonly #random: Random;
  readonly #rig: ReturnType<typeof hosting>;
  readonly #trouble: Trouble;
  readonly #jobs: Streaming[] = [];
  #viewers: Viewer[] = [];
  /** What went wrong while a frame was sent, which looks like a broken connection to the runtime. */
  readonly #faults: unknown[] = [];
  readonly #places = new Map<Viewer, Place>();
  /** What sockets have still to write, with the expected text. */
  readonly #held: Array<HeldBytes & { readonly text: string }> = [];
  read = 0;
  evicted = 0;
  connections = 0;
  resumes = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.fails = seed % 2 === 1;
    this.#rig = hosting({ totalLogCharacters: KEPT });
    this.#trouble = new Trouble(this.#random, 15);
    const { logs, sessions } = this.#rig.store;
    this.#trouble.meets(logs, "append", () => this.fails);
    this.#trouble.meets(logs, "read", () => false);
    this.#trouble.meets(sessions, "commit", (_, __, { runs }) => this.fails && runs !== undefined);
  }

  async step(): Promise<void> {
    const random = this.#random;
    const live = this.#jobs.filter(({ ctx }) => !ctx.signal.aborted);
    const { sessions } = this.#rig.store.held;
    const acts: ReadonlyArray<() => unknown> = [
      () => (live.length < 3 ? this.#begin() : undefined),
      ...Array.from({ length: 6 }, () => () => this.#write(random.oneOf(live))),
      () => this.#connect(),
      () => random.oneOf(this.#viewers)?.sever(),
      () => (random.hits(30) ? random.oneOf(live)?.end() : undefined),
      () => sessions.hold(),
      () => sessions.open(),
    ];
    await random.oneOf(acts)?.();
    await this.#pass(random.below(4));
  }

  async end(): Promise<void> {
    this.#trouble.end();
    await this.#rig.store.held.sessions.open();
    for (const job of this.#jobs) job.end();
    await this.#pass(60);
    for (const { id } of this.#jobs) {
      this.evicted += (await this.#rig.store.logs.read(id, 0, { records: 0, characters: 0 })).floor;
    }
    for (const viewer of this.#viewers) viewer.sever();
    await this.#pass(5);
    for (const { id } of this.#jobs) await this.#rig.store.logs.remove(id);
    this.#letGo(this.#held.length);
    assert.deepEqual(this.#faults, []);
  }

  async #begin(): Promise<void> {
    const viewer = this.#random.oneOf(this.#viewers) ?? (await this.#connect());
    const number = this.#jobs.length;
    const starting = this.#rig.start(viewer).then((led) => {
      this.#jobs.push({ ...led, number, isText: this.#random.hits(60), written: 0 });
    });
    await Promise.race([starting, viewer.ended, this.#pass(20)]);
  }

  #write(job: Streaming | undefined): void {
    if (job === undefined) return;
    for (let count = 1 + this.#random.below(4); count > 0; count--) {
      const piece = pieceOf(job.number, job.written++);
      void job.ctx.result.write(job.isText ? piece : Buffer.from(piece)).catch(() => {});
    }
  }

  async #connect(): Promise<Viewer> {
    this.connections += 1;
    const random = this.#random;
    const viewer = new Viewer(this.#rig.runtime, {
      highWaterMark: 1 + random.below(400_000),
      ...(random.hits(80) && { encode: (frames) => this.#encode(frames) }),
    });
    this.#viewers.push(viewer);
    void viewer.ended.then(() => {
      this.#check(viewer);
      this.#viewers = this.#viewers.filter((other) => other !== viewer);
    });
    const former = random.hits(60)
      ? [...this.#places.values()].at(-1 - random.below(2))
      : undefined;
    const after = former && Math.max(0, former.seq - random.below(4));
    const answered = former?.welcome ? viewer.resume(former.welcome, after ?? 0) : viewer.hello();
    const place: Place = { seq: former?.welcome ? (after ?? 0) : 0, welcome: undefined };
    this.#places.set(viewer, place);
    const welcomed = answered.then((answer) => {
      if (answer.type !== "session.welcome") return;
      place.welcome = answer;
      if (former?.welcome !== undefined) this.resumes += 1;
    });
    await Promise.race([welcomed, viewer.ended, this.#pass(20)]);
    for (const { id } of this.#jobs) {
      viewer.send("job.subscribe", { history: random.hits(70) }, { job_id: id });
    }
    return viewer;
  }

  /** Takes its time, and may break in the middle. */
  async #encode(frames: readonly Sent[]): Promise<readonly string[]> {
    const random = this.#random;
    const texts: string[] = [];
    for (const frame of frames) {
      if (random.hits(20)) await settled(1 + random.below(30));
      if (random.hits(1)) throw new Error("broken");
      texts.push(typeof frame === "string" ? frame : this.#whole(frame));
    }
    return texts;
  }

  #whole(parts: Exclude<Sent, string>): string {
    try {
      const text = this.#joined(parts);
      JSON.parse(text);
      return text;
    } catch (error) {
      this.#faults.push(error);
      throw error;
    }
  }

  #joined([head, rest]: Exclude<Sent, string>): string {
    if (this.#random.hits(10)) return head + rest;
    const held = rest.hold();
    const text = String(held.bytes);
    if (this.#random.hits(40)) held.letGo();
    else this.#held.push({ ...held, text });
    return head + text;
  }

  /** A socket may write its data long after it has taken it. */
  #letGo(count: number): void {
    for (const { bytes, text, letGo } of this.#held.splice(0, count)) {
      assert.ok(String(bytes) === text, "what is held was written over");
      letGo();
    }
  }

  /** Lets this many moments pass, and checks what has arrived. */
  async #pass(moments: number): Promise<void> {
    for (let i = 0; i <= moments; i++) {
      this.#rig.clock.advance(20);
      await settled(2);
      this.#letGo(this.#random.below(4));
      for (const viewer of this.#viewers) this.#check(viewer);
    }
  }

  #check(viewer: Viewer): void {
    const place = this.#places.get(viewer);
    if (place === undefined) return;
    for (const { event_seq, job_id, payload } of viewer.stream) {
      place.seq += 1;
      assert.equal(event_seq, place.seq);
      if (payload.kind !== "result_chunk" || !payload.body.more) continue;
      const job = this.#jobs.find(({ id }) => id === job_id);
      if (job === undefined) continue;
      const { data, encoding, chunk_seq } = payload.body;
      const piece = pieceOf(job.number, chunk_seq);
      assert.equal(encoding, job.isText ? "utf8" : "base64");
      const isWritten = data === (job.isText ? piece : Buffer.from(piece).toString("base64"));
      assert(isWritten, `piece ${chunk_seq} of job ${job.number}`);
      this.read += 1;
    }
    viewer.frames.splice(0, viewer.frames.length);
  }
}

const MAX_PIECE = 60_000;
const UNITS = ["abc", '"\\', "\n", "é", "€", "😀", "\u0001"];

/** A piece of a job's result, long or not, ASCII or not: always the same, and different from all others. */
function pieceOf(job: number, index: number): string {
  const random = new Random(job * 1000 + index);
  const unit = random.oneOf(UNITS) ?? "";
  // The result must be one piece as bytes as well.
  const most = Math.floor(MAX_PIECE / Buffer.byteLength(unit));
  return `${job}.${index}:${unit.repeat(random.below(most))}`;
}
