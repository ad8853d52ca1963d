import assert from "node:assert/strict";
import type { Runtime } from "../../src/runtime.ts";
import { type Frame, Viewer } from "../viewer.ts";

export const FEATURES = [
  "subscribe",
  "agent_versions",
  "result_chunk",
  "cost.budget",
  "list_jobs",
  "provisioned_credentials",
];
const PEER = { address: "127.0.0.1", loopback: true };

/** A client that outlives the runtime, and remembers what it was told and what it has asked. */
export class CrashClient {
  #viewer: Viewer | undefined;
  /** Of the earlier connections. */
  readonly #frames: Frame[] = [];
  readonly #asked = new Map<string, readonly [type: string, payload: object]>();
  #welcome: Frame | undefined;
  /** What arrived on the present connection begins after this number. */
  #after = 0;
  /** What each number was seen to mean. */
  readonly meanings = new Map<number, string>();

  get session(): string | undefined {
    return this.#welcome?.session_id;
  }

  /** Everything that it was ever sent. */
  get frames(): readonly Frame[] {
    return [...this.#frames, ...(this.#viewer?.frames ?? [])];
  }

  async hello(runtime: Runtime): Promise<this> {
    this.#viewer = new Viewer(runtime, { peer: PEER });
    this.#welcome = await this.#viewer.hello(FEATURES);
    return this;
  }

  /**
   * Resumes its session, if it has one, and repeats unanswered requests.
   * @param unhandled numbered frames that it had, and requests again
   */
  async comeBack(runtime: Runtime, unhandled = 0): Promise<void> {
    this.note();
    this.#leave();
    if (this.#welcome === undefined) return;
    this.#viewer = new Viewer(runtime, { peer: PEER });
    this.#after = Math.max(0, this.meanings.size - unhandled);
    const answer = await this.#viewer.resume(this.#welcome, this.#after);
    assert.equal(answer.payload.code, undefined, "R-6.3-20: a resume");
    this.#welcome = answer;
    const unanswered = [...this.#asked].filter(([id]) => this.answer(id) === undefined);
    for (const [id, [type, payload]] of unanswered) {
      if (type !== "session.close") this.#viewer.sendAs(id, type, payload);
    }
  }

  #leave(): void {
    if (this.#viewer === undefined) return;
    this.#frames.push(...this.#viewer.frames);
    this.#viewer.sever();
    this.#viewer = undefined;
  }

  /** It no longer has a session. */
  leaveForGood(): void {
    this.#leave();
    this.#welcome = undefined;
  }

  ask(type: string, payload: object): string {
    assert.ok(this.#viewer);
    const id = this.#viewer.send(type, payload);
    this.#asked.set(id, [type, payload]);
    return id;
  }

  async answered(type: string, payload: object): Promise<Frame> {
    const id = this.ask(type, payload);
    assert.ok(this.#viewer);
    return this.#viewer.reply(id);
  }

  answer(id: string): Frame | undefined {
    return this.frames.find(({ payload }) => payload.request_id === id);
  }

  /** Its requests of one type, each with its answer if there is one. */
  *requests(wanted: string): Generator<{ id: string; payload: object; answer: Frame | undefined }> {
    for (const [id, [type, payload]] of this.#asked) {
      if (type === wanted) yield { id, payload, answer: this.answer(id) };
    }
  }

  /** Compares what arrived on the present connection with what is known. */
  note(): void {
    const { stream = [] } = this.#viewer ?? {};
    for (const [i, { event_seq, job_id, job_seq, id }] of stream.entries()) {
      assert.equal(event_seq, this.#after + i + 1, "R-6.3-8: what a resume goes on with");
      const meaning = `${job_id} ${job_seq} ${id}`;
      assert.equal(this.meanings.get(event_seq) ?? meaning, meaning, "P1: what a number means");
      this.meanings.set(event_seq, meaning);
    }
  }
}
