import { newMessageId } from "@arcp/core";
import type { Runtime } from "../../src/runtime.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../viewer.ts";

/** A client that keeps everything it was ever sent, resumes where it was, and repeats unanswered requests. */
export class PersistentClient {
  readonly #runtime: Runtime;
  #viewer: Viewer;
  #welcome: Frame | undefined;
  /** What earlier connections received. */
  readonly #before: Frame[] = [];
  readonly #payloads = new Map<string, object>();
  /** The ids of its submits, each as often as it was sent, in that order. */
  readonly sent: string[] = [];
  /** The ids of its cancels on this connection. */
  cancels: string[] = [];
  drops = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#viewer = new Viewer(runtime);
  }

  /** All frames, in the order of arrival. */
  get frames(): readonly Frame[] {
    return [...this.#before, ...this.#viewer.frames];
  }

  /** The answers to submits, in the order of arrival. */
  get answers(): readonly Frame[] {
    const isAnswer = ({ type }: Frame): boolean =>
      type === "job.accepted" || type === "session.error";
    return this.frames.filter(
      (frame) => isAnswer(frame) && this.#payloads.has(frame.payload.request_id),
    );
  }

  /** The stream of its session. */
  get stream(): readonly Frame[] {
    return this.frames.filter(({ event_seq }) => event_seq !== undefined);
  }

  /** The ids of what it submitted, each once. */
  get submits(): readonly string[] {
    return [...this.#payloads.keys()];
  }

  async greet(): Promise<void> {
    this.#welcome = await this.#viewer.hello([...ALL_FEATURES]);
  }

  submit(payload: object): void {
    const id = newMessageId("req_");
    this.#payloads.set(id, payload);
    this.repeat(id);
  }

  repeat(id: string): void {
    this.sent.push(id);
    this.#viewer.sendAs(id, "job.submit", this.#payloads.get(id) ?? {});
  }

  cancel(job: string): void {
    this.cancels.push(this.#viewer.send("job.cancel", { job_id: job }, { job_id: job }));
  }

  /** How many replies a request got on this connection. */
  repliesTo(id: string): number {
    return this.#viewer.frames.filter(({ payload }) => payload.request_id === id).length;
  }

  /** Loses its connection, waits for a moment, and comes back. */
  async drop(moment: () => Promise<void>): Promise<void> {
    this.drops += 1;
    this.#viewer.sever();
    await this.#viewer.ended;
    this.#before.push(...this.#viewer.frames);
    await moment();
    this.#viewer = new Viewer(this.#runtime);
    if (this.#welcome === undefined) throw new Error("it has no session to come back to");
    const after = this.stream.at(-1)?.event_seq ?? 0;
    this.#welcome = await this.#viewer.resume(this.#welcome, after);
    if (this.#welcome.type !== "session.welcome") throw new Error("the resume was refused");
    this.cancels = [];
    const answered = new Set(this.answers.map(({ payload }) => payload.request_id));
    for (const id of this.submits) if (!answered.has(id)) this.repeat(id);
  }
}
