import { linkedPair, newMessageId, type Transport } from "@arcp/core";
import type { Runtime } from "@arcp/runtime";

/** A frame as it came, parsed. */
export interface Frame {
  readonly type: string;
  readonly session_id?: string;
  readonly job_id?: string;
  readonly event_seq?: number;
  readonly job_seq?: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of all types
  readonly payload: any;
}

const FEATURES = ["subscribe", "progress", "result_chunk", "cost.budget", "list_jobs"];

/** A client that deals only in frames: it sends no acks and no heartbeats, which counts would have to allow for. */
export class Viewer {
  readonly frames: Frame[] = [];
  readonly #transport: Transport;
  #woken = Promise.withResolvers<void>();

  constructor(runtime: Runtime) {
    const pair = linkedPair();
    this.#transport = pair.client;
    runtime.serve(pair.runtime);
    // How the connection ends does not matter to this client.
    this.#read().catch(() => {});
  }

  hello(token = "secret", features: readonly string[] = FEATURES): Promise<Frame> {
    const auth = { scheme: "bearer", token };
    this.send("session.hello", { auth, capabilities: { features } });
    return this.find(({ type }) => type === "session.welcome");
  }

  /** @returns the welcome, or what came instead */
  resume(
    { payload: { resume_token } }: Frame,
    last_event_seq: number,
    token = "secret",
  ): Promise<Frame> {
    const auth = { scheme: "bearer", token };
    this.send("session.resume", { auth, resume_token, last_event_seq });
    return this.find(({ type }) => type === "session.welcome" || type === "session.error");
  }

  send(type: string, payload: object, rest: object = {}): string {
    const id = newMessageId("req_");
    void this.#transport.send([JSON.stringify({ arcp: "1.1", id, type, payload, ...rest })]);
    return id;
  }

  reply(id: string): Promise<Frame> {
    return this.find(({ payload }) => payload.request_id === id);
  }

  submit(agent: string, rest: object = {}): Promise<Frame> {
    return this.reply(this.send("job.submit", { agent, input: null, ...rest }));
  }

  close(): void {
    void this.#transport.close();
  }

  /** The numbered frames, in the order of arrival. */
  get stream(): readonly Frame[] {
    return this.frames.filter(({ event_seq }) => event_seq !== undefined);
  }

  terminal(job: string | undefined): Promise<Frame> {
    return this.find(
      ({ type, job_id }) => job_id === job && (type === "job.result" || type === "job.error"),
    );
  }

  /** The first frame that fits, as soon as it arrives. */
  async find(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      await this.#woken.promise;
    }
  }

  async #read(): Promise<void> {
    for await (const text of this.#transport.frames) {
      this.frames.push(JSON.parse(text) as Frame);
      this.#woken.resolve();
      this.#woken = Promise.withResolvers();
    }
  }
}
