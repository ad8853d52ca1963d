import { FrameSocket } from "./frame-socket.ts";
import { Landmark } from "./landmark.ts";
import { AGENT, type AgentInput } from "./targets/target.ts";

/** What came of one job. */
export interface Tally {
  /** Its stream envelopes, from the running notice to the result. */
  frames: number;
  /** The bytes of those. */
  bytes: number;
  /** Milliseconds from the submit to the result. */
  elapsed: number;
}

interface Message {
  readonly type: string;
  readonly session_id?: string;
  readonly payload: unknown;
}

const ZERO = 0x30;

/**
 * A session of the load generator, one job at a time. It counts the events and checks that their `event_seq` has no gap;
 * only what is no event is parsed.
 */
export class LoadClient {
  #socket: FrameSocket | undefined;
  readonly #eventSeq = new Landmark('"event_seq":');
  readonly #event = new Landmark('"type":"job.event"');
  #session: string | undefined;
  #requests = 0;
  #seq = 0;
  #tally: Tally = { frames: 0, bytes: 0, elapsed: 0 };
  #awaited = Promise.withResolvers<void>();

  private constructor() {
    // Whoever waits gets the error; when nobody does, the next call would fail anyway.
    this.#awaited.promise.catch(() => {});
  }

  /** Connects and says hello. */
  static async open(url: string): Promise<LoadClient> {
    const client = new LoadClient();
    client.#socket = await FrameSocket.connect(
      url,
      (bytes, start, end) => client.#take(bytes, start, end),
      (error) => client.#awaited.reject(error),
    );
    client.#send("session.hello", {
      client: { name: "bench", version: "0.0.0" },
      auth: { scheme: "bearer", token: "bench" },
      capabilities: { encodings: ["json"], features: [] },
    });
    await client.#awaited.promise;
    return client;
  }

  /** Submits a job and waits for its result. Rejects when the job fails, or its stream is not whole. */
  async run(events: number): Promise<Tally> {
    const tally = { frames: 0, bytes: 0, elapsed: 0 };
    this.#tally = tally;
    this.#awaited = Promise.withResolvers<void>();
    const submitted = performance.now();
    const input: AgentInput = { events };
    this.#send("job.submit", { agent: AGENT, input });
    await this.#awaited.promise;
    tally.elapsed = performance.now() - submitted;
    if (tally.frames !== events + 2) {
      throw new Error(`${tally.frames} frames came of a job of ${events} events`);
    }
    return tally;
  }

  #send(type: string, payload: object): void {
    this.#requests += 1;
    const id = `msg_${this.#requests}`;
    const session_id = this.#session;
    this.#socket?.send(JSON.stringify({ arcp: "1.1", id, type, session_id, payload }));
  }

  #take(bytes: Buffer, start: number, end: number): void {
    const digits = this.#eventSeq.behind(bytes, start, end);
    if (digits !== -1) {
      this.#advance(readNumber(bytes, digits));
      this.#tally.frames += 1;
      this.#tally.bytes += end - start;
      if (this.#event.behind(bytes, start, end) !== -1) return;
    }
    this.#handle(JSON.parse(bytes.toString("utf8", start, end)) as Message);
  }

  #advance(seq: number): void {
    if (seq !== this.#seq + 1) throw new Error(`event_seq ${seq} came behind ${this.#seq}`);
    this.#seq = seq;
  }

  #handle({ type, session_id, payload }: Message): void {
    if (type === "job.accepted") return;
    if (type === "session.welcome") this.#session = session_id;
    else if (type !== "job.result") throw new Error(`${type}: ${JSON.stringify(payload)}`);
    this.#awaited.resolve();
  }
}

function readNumber(bytes: Buffer, from: number): number {
  let value = 0;
  for (let i = from; ; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}
