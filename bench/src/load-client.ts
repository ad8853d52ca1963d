import { FrameSocket } from "./frame-socket.ts";
import { Landmark } from "./landmark.ts";

interface Message {
  readonly type: string;
  readonly session_id?: string;
  readonly job_id?: string;
  readonly payload: unknown;
}

interface Reply {
  readonly message: Message;
  /** The number in its job. */
  readonly ended: Promise<void>;
}

/** A job that was accepted, or that is watched. */
export interface LoadJob {
  readonly id: string;
  /** Resolves with its result; rejects if it fails, or the stream is incomplete. */
  readonly ended: Promise<void>;
}

export interface Watch {
  /** In ASCII; events are parsed only if they contain it. */
  readonly text: string;
  /** @param event an envelope */
  seen(event: unknown): void;
}

export interface LoadClientOptions {
  /** To agree on. Default none. */
  readonly features?: readonly string[];
  /** Looks at the events that contain a certain text, besides counting them. */
  readonly watch?: Watch;
}

const ZERO = 0x30;

/**
 * A session of the load generator. It counts the stream's envelopes and checks that their `event_seq` has no gap; only other
 * envelopes are parsed. It speaks raw frames, so any ARCP server can be measured.
 */
export class LoadClient {
  #socket: FrameSocket | undefined;
  readonly #eventSeq = new Landmark('"event_seq":');
  readonly #event = new Landmark('"type":"job.event"');
  readonly #url: string;
  #session: string | undefined;
  #resumeToken: string | undefined;
  #requests = 0;
  #seq = 0;
  #frames = 0;
  #bytes = 0;
  #failure: Error | undefined;
  /** The pending requests, in the order in which they were sent: replies come in that order too (R-5.4-5). */
  readonly #replies: Array<PromiseWithResolvers<Reply>> = [];
  /** By job. */
  readonly #endings = new Map<string, PromiseWithResolvers<void>>();

  readonly #watch: Watch | undefined;
  readonly #watched: Landmark | undefined;

  private constructor(url: string, watch: Watch | undefined) {
    this.#url = url;
    this.#watch = watch;
    this.#watched = watch && new Landmark(watch.text);
  }

  /** Connects and says hello. */
  static async open(
    url: string,
    { features = [], watch }: LoadClientOptions = {},
  ): Promise<LoadClient> {
    const client = new LoadClient(url, watch);
    await client.dial();
    await client.#introduce("session.hello", { capabilities: { encodings: ["json"], features } });
    return client;
  }

  /** Opens a connection, on which nothing has been sent yet. */
  async dial(): Promise<void> {
    this.#socket = await FrameSocket.connect(
      this.#url,
      (bytes, start, end) => this.#take(bytes, start, end),
      (error) => this.#fail(error),
    );
  }

  /** Breaks the connection. Only the server notices. */
  cut(): void {
    this.#socket?.cut();
  }

  /**
   * Resumes the session on a connection that was opened after the cut.
   * @param job whose result ends what is missing
   * @param after the number of the last envelope that it claims to have; by default the true one
   * @returns when that result has come, for the first time or once more
   */
  async resume(job: string, after = this.#seq): Promise<void> {
    const { promise } = this.#endingOf(job);
    this.#seq = after;
    await this.#introduce("session.resume", {
      session_id: this.#session,
      resume_token: this.#resumeToken,
      last_event_seq: after,
    });
    await promise;
  }

  async #introduce(type: string, payload: object): Promise<void> {
    const client = { name: "bench", version: "0.0.0" };
    const auth = { scheme: "bearer", token: "bench" };
    const { message } = await this.#ask(type, { client, auth, ...payload });
    this.#session = message.session_id;
    this.#resumeToken = (message.payload as { readonly resume_token?: string }).resume_token;
  }

  /** Stops reading, and keeps the connection. */
  stall(): void {
    this.#socket?.stall();
  }

  /** Pings the server. No other request may be sent meanwhile, which it might overtake. */
  async ping(): Promise<void> {
    await this.#ask("session.ping", { nonce: "bench", sent_at: new Date().toISOString() });
  }

  /** The number of characters in front of the job's own text in each of its envelopes. */
  get prefix(): number {
    return `{"arcp":"1.1","session_id":"${this.#session}","event_seq":${this.#seq},`.length;
  }

  /** The number of the last envelope that came. */
  get seq(): number {
    return this.#seq;
  }

  /** Envelopes of the stream so far: of each job the running notice, the events and the result. */
  get frames(): number {
    return this.#frames;
  }

  /** The bytes of those. */
  get bytes(): number {
    return this.#bytes;
  }

  submit(agent: string, input: object, idempotency_key?: string): Promise<LoadJob> {
    return this.#follow("job.submit", { agent, input, idempotency_key });
  }

  /** Submits a job and waits for its result. */
  async run(agent: string, input: object, idempotencyKey?: string): Promise<void> {
    await (await this.submit(agent, input, idempotencyKey)).ended;
  }

  /** Follows a job of another session from its first record on. */
  subscribe(id: string): Promise<LoadJob> {
    return this.#follow("job.subscribe", { job_id: id, history: true }, id);
  }

  async #follow(type: string, payload: object, job?: string): Promise<LoadJob> {
    const { message, ended } = await this.#ask(type, payload, job);
    return { id: message.job_id ?? "", ended };
  }

  #ask(type: string, payload: object, job_id?: string): Promise<Reply> {
    const reply = Promise.withResolvers<Reply>();
    if (this.#failure !== undefined) reply.reject(this.#failure);
    else this.#replies.push(reply);
    this.#requests += 1;
    const id = `msg_${this.#requests}`;
    const session_id = this.#session;
    this.#socket?.send(JSON.stringify({ arcp: "1.1", id, type, session_id, job_id, payload }));
    return reply.promise;
  }

  #take(bytes: Buffer, start: number, end: number): void {
    const digits = this.#eventSeq.behind(bytes, start, end);
    if (digits !== -1) {
      this.#advance(readNumber(bytes, digits));
      this.#frames += 1;
      this.#bytes += end - start;
      if (this.#watched !== undefined && this.#watched.behind(bytes, start, end) !== -1) {
        this.#watch?.seen(JSON.parse(bytes.toString("utf8", start, end)));
      }
      if (this.#event.behind(bytes, start, end) !== -1) return;
    }
    this.#handle(JSON.parse(bytes.toString("utf8", start, end)) as Message);
  }

  #advance(seq: number): void {
    if (seq !== this.#seq + 1) throw new Error(`event_seq ${seq} came behind ${this.#seq}`);
    this.#seq = seq;
  }

  #handle(message: Message): void {
    const { type, job_id = "", payload } = message;
    if (REPLIES.has(type)) {
      // Created now: the job's end may be in the same chunk of bytes, before the caller continues.
      const ended = job_id === "" ? Promise.resolve() : this.#endingOf(job_id).promise;
      // Nobody has requested an acceptance that is repeated after a resume (R-6.3-8).
      this.#replies.shift()?.resolve({ message, ended });
      return;
    }
    const ending = this.#endings.get(job_id);
    if (type !== "job.result" || ending === undefined) {
      throw new Error(`${type}: ${JSON.stringify(payload)}`);
    }
    this.#endings.delete(job_id);
    ending.resolve();
  }

  #endingOf(job: string): PromiseWithResolvers<void> {
    const known = this.#endings.get(job);
    if (known !== undefined) return known;
    const ending = Promise.withResolvers<void>();
    ending.promise.catch(() => {});
    this.#endings.set(job, ending);
    return ending;
  }

  /** One fault ends it: the figures of a bench mean nothing after that. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#replies.splice(0)) reject(error);
    for (const { reject } of this.#endings.values()) reject(error);
  }
}

const REPLIES: ReadonlySet<string> = new Set([
  "session.welcome",
  "session.pong",
  "job.accepted",
  "job.subscribed",
]);

function readNumber(bytes: Buffer, from: number): number {
  let value = 0;
  for (let i = from; ; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}
