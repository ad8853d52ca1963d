import { type ManualClock, newMessageId, type Transport } from "@arcp/core";
import type { Runtime } from "../../src/runtime.ts";
import { settled } from "../held-store.ts";
import { ALL_FEATURES, type Frame, Viewer } from "../viewer.ts";
import type { World } from "./world.ts";

const FEATURES = [...ALL_FEATURES, "provisioned_credentials", "model.use", "lease_expires_at"];

/** A client that resumes where it was, also on the next process, and repeats unanswered requests. */
export class StormClient {
  readonly #world: World;
  readonly #clock: ManualClock;
  readonly #before: Frame[] = [];
  readonly #submits = new Map<string, object>();
  #viewer: Viewer;
  #welcome: Frame | undefined;

  constructor(runtime: Runtime, world: World, clock: ManualClock) {
    this.#world = world;
    this.#clock = clock;
    this.#viewer = this.#connect(runtime);
  }

  get frames(): readonly Frame[] {
    return [...this.#before, ...this.#viewer.frames];
  }

  /** The ids of its submits. */
  get submits(): readonly string[] {
    return [...this.#submits.keys()];
  }

  async greet(): Promise<void> {
    this.#welcome = await this.#viewer.hello(FEATURES);
  }

  submit(payload: object): void {
    const id = newMessageId("req_");
    this.#submits.set(id, payload);
    this.#viewer.sendAs(id, "job.submit", payload);
  }

  repeat(which: number): void {
    const id = this.submits[which % this.#submits.size];
    if (id !== undefined) this.#viewer.sendAs(id, "job.submit", this.#submits.get(id) ?? {});
  }

  cancel(job: string): void {
    this.#viewer.send("job.cancel", { job_id: job }, { job_id: job });
  }

  async comeBack(runtime: Runtime, turns: number): Promise<void> {
    this.#viewer.sever();
    await this.#viewer.ended;
    this.#before.push(...this.#viewer.frames);
    await settled(turns);
    if (this.#welcome === undefined) throw new Error("it has no session to come back to");
    const after = this.#before.filter(({ event_seq }) => event_seq !== undefined).length;
    this.#viewer = this.#connect(runtime);
    const resumed = this.#viewer.resume(this.#welcome, after);
    // Taking over what a slow store holds takes its time.
    for (let turn = 0; turn < 400 && this.#viewer.frames.length === 0; turn++) {
      await settled(1);
      if (turn % 20 === 0) this.#clock.advance(10);
    }
    this.#welcome = await resumed;
    if (this.#welcome.type !== "session.welcome") throw new Error("the resume was refused");
    const answered = new Set(this.frames.map(({ payload }) => payload.request_id));
    for (const [id, payload] of this.#submits) {
      if (!answered.has(id)) this.#viewer.sendAs(id, "job.submit", payload);
    }
  }

  /** Every frame is checked in the turn in which it is sent. */
  #connect(runtime: Runtime): Viewer {
    const watched = {
      ...runtime,
      serve: ({ frames, send, close }: Transport, peer: Parameters<Runtime["serve"]>[1]) => {
        const look = (batch: readonly string[]): Promise<void> => {
          for (const text of batch) this.#look(JSON.parse(text) as Frame);
          return send(batch);
        };
        runtime.serve({ frames, send: look, close }, peer);
      },
    };
    return new Viewer(watched, { peer: { address: "", loopback: true } });
  }

  #look({ type, job_id: job = "", event_seq, job_seq, payload }: Frame): void {
    const { logs, rows } = this.#world;
    const isThere = {
      "is in the log": event_seq === undefined || logs.get(job)?.[(job_seq ?? 0) - 1] !== undefined,
      "is in the index": type !== "job.accepted" || rows.has(job),
      "is to be cancelled":
        type !== "job.cancelled" || payload.current_status || rows.get(job)?.cancel !== undefined,
    };
    for (const [what, isTrue] of Object.entries(isThere)) {
      if (!isTrue) this.#world.breach("J2", `${type} of ${job} is sent before it ${what}`);
    }
  }
}
