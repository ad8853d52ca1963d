import { decode, type Envelope, type MessageId, REQUEST_ID_FEATURE } from "@arcp/core";
import {
  accepted,
  type Connection,
  event,
  FEATURES,
  frame,
  result,
  ScriptedRuntime,
  sessionError,
  subscribed,
} from "./scripted-runtime.ts";
import { sequence } from "./sequence.ts";

const CODES = ["INVALID_REQUEST", "JOB_NOT_FOUND", "RESUME_WINDOW_EXPIRED", "DUPLICATE_KEY", "NEW"];

/**
 * A runtime that welcomes, and from then on answers, lies, repeats itself, skips numbers, falls silent and drops connections as
 * chance has it. It names the requests that it answers and numbers the events of a job, or does neither.
 */
export class LyingRuntime extends ScriptedRuntime {
  readonly #random: () => number;
  /** How often it says what is right. */
  readonly #honesty: number;
  readonly #isOurs: boolean;
  readonly #features: readonly string[];
  readonly #wires = new Set<Connection>();
  /** The requests that it got last. */
  #asked: { readonly id: string }[] = [{ id: "req_never" }];
  /** The number that each job has come to. */
  readonly #jobs = new Map([["job_0", 0]]);
  /** The stream of the present session. */
  #stream: string[] = [];
  #open = 0;

  constructor(seed: number) {
    super();
    this.#random = sequence(seed);
    this.#honesty = this.chance(0.5) ? 0.9 : 0.5;
    this.#isOurs = this.chance(0.6);
    const extra = ["ack", "heartbeat"].filter(() => this.chance(0.5));
    const known = FEATURES.filter((name) => this.#isOurs || name !== REQUEST_ID_FEATURE);
    this.#features = [...known, ...extra];
    void this.#run();
  }

  chance(of: number): boolean {
    return this.#random() < of;
  }

  any<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }

  /** One of the jobs that there are. */
  get job(): string {
    return this.any([...this.#jobs.keys()]);
  }

  /** Whether it says the numbers of events in their jobs. */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /** How many connections the client has not closed. */
  get open(): number {
    return this.#open;
  }

  /** Says something unasked. */
  speak(): void {
    const frames = this.chance(this.#honesty) ? [this.#event()] : this.#lie();
    for (const wire of this.#wires) this.#send(wire, frames);
  }

  /** Breaks what connections there are, or closes them. */
  drop(): void {
    for (const wire of this.#wires) {
      if (this.chance(0.6)) wire.pair.sever();
      else wire.pair.runtime.close(this.any(["normal", "going-away", "fault"]));
    }
    this.#wires.clear();
  }

  async #run(): Promise<never> {
    for (;;) {
      void this.#serve(await this.accept());
    }
  }

  async #serve(wire: Connection): Promise<void> {
    this.#open += 1;
    for (let isGreeted = false; ; isGreeted = true) {
      const next = await wire.anything().catch(() => ({ done: true, value: "" }));
      if (next.done) break;
      const decoded = decode(next.value);
      if (decoded.kind !== "ok") throw new Error(`the client said ${next.value}`);
      if (isGreeted) this.#answer(wire, decoded.message);
      else this.#greet(wire, decoded.message);
    }
    this.#open -= 1;
  }

  #greet(wire: Connection, { type, payload }: Envelope): void {
    const resume = type === "session.hello" ? payload.resume : undefined;
    const place = type === "session.resume" ? payload : resume;
    if (place !== undefined && this.chance(0.3)) {
      wire.send(sessionError(this.any(["RESUME_WINDOW_EXPIRED", "INTERNAL_ERROR"])));
      wire.pair.runtime.close("refused");
      return;
    }
    wire.welcome(`rt_${this.#random()}`, this.#features);
    if (place === undefined) this.#stream = [];
    else this.#send(wire, this.#stream.slice(place.last_event_seq));
    this.#wires.add(wire);
  }

  #answer(wire: Connection, request: Envelope): void {
    this.#asked = [request, ...this.#asked.slice(0, 6)];
    if (this.chance(this.#honesty)) this.#send(wire, this.#truth(request));
    // Once more, or something else.
    if (this.chance(0.1)) this.#send(wire, this.#truth(request));
    if (this.chance(0.3)) this.speak();
  }

  #truth(request: Envelope): string[] {
    const request_id = request.id;
    switch (request.type) {
      case "job.submit":
        return [accepted(request, this.#newJob())];
      case "job.subscribe": {
        const { job_id = this.job, history } = request.payload;
        const answer = subscribed(request, { subscribed_from: this.#stream.length }, job_id);
        const last = history ? (this.#jobs.get(job_id) ?? 0) : 0;
        const replay = Array.from({ length: last }, (_, before) => this.#event(job_id, before + 1));
        return [answer, ...replay];
      }
      case "job.cancel":
        return [frame("job.cancelled", { request_id, job_id: request.payload.job_id })];
      case "session.list_jobs":
        return [frame("session.jobs", { request_id, jobs: [], next_cursor: null })];
      case "session.ping":
        return [frame("session.pong", { ping_nonce: request.payload.nonce })];
      case "session.close":
        return [frame("session.closed", { request_id })];
      default:
        return [];
    }
  }

  #lie(): string[] {
    const { job } = this;
    const asked = this.any(this.#asked);
    const request_id = asked.id as MessageId;
    const code = this.any(CODES);
    return this.any<() => string[]>([
      () => [accepted(asked, this.#newJob())],
      () => [accepted(asked, job)],
      () => [subscribed(asked, { truncated: true, last_job_seq: 7 }, job)],
      () => [sessionError(code, request_id)],
      () => [sessionError(code)],
      () => [frame("session.jobs", { request_id, jobs: [], next_cursor: "again" })],
      () => [frame("job.cancelled", { request_id }, { job })],
      () => [frame("session.pong", { ping_nonce: asked.id })],
      () => [frame("session.closed", { reason: "a lie" })],
      () => [
        "{",
        "[]",
        `{"id":"m","type":"job.event","event_seq":3,"job_id":"${job}","payload":7}`,
      ],
      () => [this.#stream.at(-this.any([1, 2, 3])) ?? "", this.#event()],
      () => [this.#numbered(() => "never said"), this.#event()].slice(1),
      () => [this.#event(job, 1)],
      () => [this.#numbered((seq) => result(seq, "over", job))],
      () => [this.#numbered((seq) => failure(code, job, seq)), failure(code, job)],
    ])();
  }

  #event(job = this.job, jobSeq = (this.#jobs.get(job) ?? 0) + 1): string {
    this.#jobs.set(job, Math.max(jobSeq, this.#jobs.get(job) ?? 0));
    return this.#numbered((seq) => event(seq, job, jobSeq));
  }

  #numbered(make: (seq: number) => string): string {
    const made = make(this.#stream.length + 1);
    this.#stream.push(made);
    return made;
  }

  #newJob(): string {
    const job = `job_${this.#jobs.size}`;
    this.#jobs.set(job, 0);
    return job;
  }

  #send(wire: Connection, frames: readonly string[]): void {
    wire.send(...(this.#isOurs ? frames : frames.map(unnamed)));
  }
}

function failure(code: string, job: string, seq?: number): string {
  const error = { final_status: "error" as const, code, message: "a lie", retryable: false };
  return frame("job.error", error, { job, ...(seq !== undefined && { seq }) });
}

/** As a runtime says it that names no request and does not count the events of a job. */
function unnamed(said: string): string {
  return said.replace(/"(request_id|job_seq)":("[^"]*"|\d+),?/g, "").replaceAll(",}", "}");
}
