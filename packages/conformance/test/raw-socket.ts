import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";

/** A message as it came, of which nothing is believed. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into payloads of all types
export type Message = Record<string, any>;

/** A client that is nothing but a WebSocket: it can send whatever it likes, and knows no package of ours. */
export class RawSocket {
  /** Everything that came, in order. */
  readonly received: Message[] = [];
  /** The code with which the connection was closed. */
  readonly closed: Promise<number>;
  session = "";
  token = "";
  readonly #socket: WebSocket;
  #ids = 0;
  #arrival = Promise.withResolvers<void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code) => {
        resolve(code);
        this.#rouse();
      });
    });
    socket.on("message", (data) => {
      this.received.push(JSON.parse(`${data}`));
      this.#rouse();
    });
    // What is wrong shows by the close code.
    socket.on("error", () => {});
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const socket = new WebSocket(url, { headers });
    const raw = new RawSocket(socket);
    await once(socket, "open");
    return raw;
  }

  /** A socket with a session. @param features that it agrees on */
  static async greeted(
    url: string,
    bearer: string,
    features: readonly string[] = [],
  ): Promise<RawSocket> {
    const raw = await RawSocket.open(url);
    assert.equal((await raw.hello(bearer, features))["type"], "session.welcome");
    return raw;
  }

  /** Sends text, or bytes that claim to be text; with `binary` they do not. */
  sendRaw(data: string | Buffer, binary = false): void {
    this.#socket.send(data, { binary });
  }

  /** Sends a message in a complete envelope. @returns its id */
  send(type: string, payload: object, rest: object = {}): string {
    const id = `req_${++this.#ids}`;
    const session = this.session === "" ? {} : { session_id: this.session };
    this.sendRaw(JSON.stringify({ arcp: "1.1", id, type, ...session, payload, ...rest }));
    return id;
  }

  /**
   * The first message that fits, as soon as there is one.
   * @param from how many messages to leave out
   */
  async find(fits: (message: Message) => boolean, from = 0): Promise<Message> {
    for (let seen = from; ; ) {
      for (; seen < this.received.length; seen++) {
        const message = this.received[seen];
        if (message !== undefined && fits(message)) return message;
      }
      if (this.#socket.readyState === WebSocket.CLOSED) throw new Error("closed");
      await this.#arrival.promise;
    }
  }

  reply(id: string): Promise<Message> {
    return this.find(({ payload }) => payload.request_id === id);
  }

  request(type: string, payload: object, rest: object = {}): Promise<Message> {
    return this.reply(this.send(type, payload, rest));
  }

  submit(agent: string, rest: object = {}): Promise<Message> {
    return this.request("job.submit", { agent, ...rest });
  }

  async hello(bearer: string, features: readonly string[] = []): Promise<Message> {
    const auth = { scheme: "bearer", token: bearer };
    this.send("session.hello", { auth, capabilities: { features } });
    return this.#greeting();
  }

  /** Resumes the session that `other` had. */
  async resume(other: RawSocket, bearer: string, last = 0): Promise<Message> {
    const auth = { scheme: "bearer", token: bearer };
    this.send("session.resume", { auth, resume_token: other.token, last_event_seq: last });
    return this.#greeting();
  }

  /** A ping that is answered: everything before it has been read. */
  async ping(nonce: string): Promise<void> {
    this.send("session.ping", { nonce, sent_at: "2026-11-02T08:16:00.000Z" });
    await this.find(({ type, payload }) => type === "session.pong" && payload.ping_nonce === nonce);
  }

  async leave(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }

  /** Breaks the connection without a word. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Stops to read, and goes on. */
  pause(): void {
    this.#socket.pause();
  }

  goOn(): void {
    this.#socket.resume();
  }

  /** Bytes that wait here until the other side reads. */
  get unsent(): number {
    return this.#socket.bufferedAmount;
  }

  async #greeting(): Promise<Message> {
    const answer = await this.find(({ type }) => /^session\.(welcome|error)$/.test(type));
    if (answer["type"] === "session.welcome") {
      this.session = answer["session_id"];
      this.token = answer["payload"].resume_token;
    }
    return answer;
  }

  #rouse(): void {
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}
