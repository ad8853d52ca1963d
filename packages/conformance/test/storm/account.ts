import assert from "node:assert/strict";
import type { LogRecord, RecordKind } from "@arcp/runtime/store";
import type { Chronicle } from "./chronicle.ts";
import type { Frame } from "./frame.ts";

/** What a session was told of one job, and asked for. */
interface Followed {
  /** How many times it asked for the job and was not refused. */
  asked: number;
  /** It knows of the job by an acceptance or a subscription. */
  isTold: boolean;
  /** It owns the job, or did. */
  isAccepted: boolean;
  /** It was said to miss some of it. */
  isCut: boolean;
  /** It followed from somewhere else meanwhile, or not at all. */
  hasGaps: boolean;
  /** How many times it may go back to what it had. */
  repeats: number;
  /** The `job_seq` of what it had last. */
  reached: number;
}

/**
 * All that a session was sent, over all its connections, and an oracle that shares no code with the runtime: it compares each
 * record with what its log was given, and its place with what was asked for.
 */
export class Account {
  readonly #features: readonly string[];
  readonly #chronicle: Chronicle;
  /** Whether logs forget their beginnings. */
  readonly #trims: boolean;
  readonly #meanings = new Map<number, Frame>();
  readonly #jobs = new Map<string, Followed>();
  /** The last number on the connection of now, from what it was resumed behind. */
  #position = 0;
  /** Up to where that connection repeats at most what was issued before. */
  #repeatedTo = 0;
  #last = 0;

  constructor(features: readonly string[], chronicle: Chronicle, trims: boolean) {
    this.#features = features;
    this.#chronicle = chronicle;
    this.#trims = trims;
  }

  /** The highest number that it has. */
  get last(): number {
    return this.#last;
  }

  get size(): number {
    return this.#meanings.size;
  }

  get owned(): string[] {
    return [...this.#jobs].filter(([, { isAccepted }]) => isAccepted).map(([job]) => job);
  }

  isToldOf(job: string): boolean {
    return this.#jobs.get(job)?.isTold ?? false;
  }

  /** A connection begins that was resumed behind this. @param issued the highest number of the session by then, or a later one */
  begin(after: number, issued: number): void {
    this.#position = after;
    this.#repeatedTo = issued;
  }

  /** It subscribes: from now on the job may come from anywhere. */
  asksFor(job: string): void {
    const followed = this.#followed(job);
    followed.asked += 1;
    followed.hasGaps = true;
    followed.repeats += 1;
  }

  /** A subscription was refused: it brings nothing. */
  refused(job: string): void {
    const followed = this.#followed(job);
    followed.asked -= 1;
    followed.repeats -= 1;
  }

  /** It submits under a key, which may bring any job of which it had something, with all of its family. */
  mayComeAgain(): void {
    for (const followed of this.#jobs.values()) if (isKnown(followed)) again(followed);
  }

  leaves(job: string): void {
    this.#followed(job).hasGaps = true;
  }

  /** @param waits whether a request is without its answer, which an event may overtake */
  take(frame: Frame, waits: boolean): void {
    const { type, job_id, payload, event_seq } = frame;
    if (type === "job.accepted" && job_id !== undefined) this.#accepted(job_id, payload);
    if (type === "job.subscribed" && job_id !== undefined) this.#subscribed(job_id, payload);
    if (type === "session.error" && payload.code === "RESUME_WINDOW_EXPIRED" && payload.job_id) {
      this.#followed(payload.job_id).isCut = true;
    }
    if (event_seq === undefined) return;
    this.#position += 1;
    assert.equal(event_seq, this.#position, "R-6.3-8: the number that comes next");
    const known = this.#meanings.get(event_seq);
    if (known === undefined) this.#takeNew(frame);
    else assert.deepEqual(frame, known, `P2: what ${event_seq} means`);
    this.#meanings.set(event_seq, frame);
    this.#last = Math.max(this.#last, event_seq);
    if (job_id === undefined || waits) return;
    const { isTold, asked } = this.#followed(job_id);
    assert.ok(isTold || asked > 0, `an event of ${job_id}, which it was not told of`);
  }

  /** The highest `job_seq` among the numbers up to this one. */
  reachedAt(job: string, number: number): number {
    let reached = 0;
    for (const [at, { job_id, job_seq = 0 }] of this.#meanings) {
      if (job_id === job && at <= number) reached = Math.max(reached, job_seq);
    }
    return reached;
  }

  /** The last number that is of this job. */
  lastOf(job: string): number {
    let last = 0;
    for (const [number, { job_id }] of this.#meanings)
      if (job_id === job) last = Math.max(last, number);
    return last;
  }

  /** Insists that a job of its own came from its beginning to its end, unless it was said that some is missing. */
  assertWhole(job: string): void {
    const records = this.#chronicle.of(job);
    assert.ok(this.#chronicle.hasEnded(job), `${job} has no end`);
    const seen = new Set<number | undefined>();
    for (const { job_id, job_seq } of this.#meanings.values())
      if (job_id === job) seen.add(job_seq);
    for (const [i, record] of records.entries()) {
      if (record === undefined || this.#isHidden(record.kind) || seen.has(i + 1)) continue;
      const isLast = i + 1 === records.length;
      const isMissed = this.#followed(job).isCut && !isLast;
      assert.ok(isMissed, `${job}: ${i + 1} of ${records.length} never came`);
    }
  }

  #accepted(job: string, { truncated, request_id }: Frame["payload"]): void {
    const followed = this.#followed(job);
    // That of a delegated job may be older than what is left of its log.
    if (truncated === true || (this.#trims && request_id === undefined)) followed.isCut = true;
    if (isKnown(followed)) {
      again(followed);
    }
    followed.isTold = true;
    followed.isAccepted = true;
  }

  #subscribed(job: string, { subscribed_from, truncated }: Frame["payload"]): void {
    const followed = this.#followed(job);
    if (!followed.isTold && truncated === true) followed.isCut = true;
    followed.isTold = true;
    const where = "where a subscription says that it begins";
    // A reply may stand among what is repeated, and what it brings comes behind all of that.
    if (this.#position >= this.#repeatedTo) assert.equal(subscribed_from, this.#position, where);
    else assert.ok((subscribed_from ?? -1) >= this.#position, where);
  }

  #takeNew({ id, event_seq, job_id = "", job_seq, payload }: Frame): void {
    if (job_seq === undefined) {
      assert.equal(payload.body?.phase, "back_pressure", "what is of no log");
      return;
    }
    const where = `${event_seq}, which is ${job_seq} of ${job_id}`;
    const records = this.#chronicle.of(job_id);
    const record = records[job_seq - 1];
    assert.ok(record, `${where}, is in no log`);
    assert.equal(idOf(record), id, `the record of ${where}`);
    assert.ok(!this.#isHidden(record.kind), `${where}, is not to be shown`);
    const followed = this.#followed(job_id);
    const before = followed.reached;
    followed.reached = job_seq;
    if (job_seq <= before) {
      followed.repeats -= 1;
      assert.ok(followed.repeats >= 0, `${where}, goes back behind ${before} and nobody asked`);
      return;
    }
    const skipped = records.slice(before, job_seq - 1);
    const isMissing = skipped.some((one) => one !== undefined && !this.#isHidden(one.kind));
    const mayMiss = followed.hasGaps || followed.isCut;
    assert.ok(!isMissing || mayMiss, `${where}, skips what follows ${before}`);
  }

  #isHidden(kind: RecordKind): boolean {
    if (kind === "progress" || kind === "result_chunk") return !this.#features.includes(kind);
    return kind === "budget" || kind === "credential_rotated";
  }

  #followed(job: string): Followed {
    let followed = this.#jobs.get(job);
    if (followed === undefined) {
      followed = {
        asked: 0,
        isTold: false,
        isAccepted: false,
        isCut: false,
        hasGaps: false,
        repeats: 0,
        reached: 0,
      };
      this.#jobs.set(job, followed);
    }
    return followed;
  }
}

const isKnown = ({ isTold, asked, reached }: Followed): boolean =>
  isTold || asked > 0 || reached > 0;

function again(followed: Followed): void {
  followed.repeats += 1;
  followed.hasGaps = true;
}

const idOf = ({ text }: LogRecord): unknown => (JSON.parse(`{${text}`) as { id: unknown }).id;
