import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { describe, expect, test } from "vitest";
import { Relay } from "../../test/relay.ts";
import { type StoreName, shelves, stores } from "../../test/shelf.ts";
import { settled } from "../../test/stage.ts";

/*
 * A client that knows nothing of these packages: the platform's WebSocket and plain JSON. It stores what it got by number, and
 * fails on a gap, on a number that comes twice with different content, and on anything that it does not understand.
 */
type Message = Record<string, any>;

class PlainClient {
  /** The stream as it was received over all connections, by number. */
  readonly stream: Message[] = [];
  /** Everything from the current connection. */
  received: Message[] = [];
  session = "";
  token = "";
  #socket: WebSocket | undefined;
  #wake: () => void = () => {};
  #ids = 0;
  closed: Promise<number> = Promise.resolve(0);

  async open(url: string, first: Message): Promise<Message> {
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.received = [];
    const received = this.received;
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code }) => {
        resolve(code);
        this.#wake();
      };
    });
    socket.onmessage = ({ data }) => {
      received.push(JSON.parse(data));
      this.#wake();
    };
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    this.send(first);
    const answer = await this.find(({ type }) => /^session\.(welcome|error)$/.test(type));
    if (answer["type"] === "session.welcome") {
      expect(received[0]).toBe(answer);
      this.session = answer["session_id"];
      this.token = answer["payload"].resume_token;
    }
    return answer;
  }

  send(message: Message): string {
    const id = `req_${++this.#ids}`;
    this.#socket?.send(JSON.stringify({ arcp: "1.1", id, ...message }));
    return id;
  }

  /** The first message of this connection that fits, as soon as there is one. */
  async find(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.received.find(fits);
      if (found !== undefined) return found;
      if (this.#socket?.readyState === WebSocket.CLOSED) throw new Error("closed");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Reads on until a message fits. @returns the highest number that came */
  async readTo(fits: (message: Message) => boolean): Promise<number> {
    await this.find(fits);
    for (const message of this.received) {
      const seq = message["event_seq"];
      if (seq === undefined) continue;
      const known = this.stream[seq - 1];
      if (known === undefined) expect(seq).toBe(this.stream.length + 1);
      else expect(message).toEqual(known);
      this.stream[seq - 1] = message;
    }
    return this.stream.length;
  }

  leave(): void {
    this.#socket?.close();
  }
}

const TOKEN = "secret-of-alice";
const auth = { scheme: "bearer", token: TOKEN };
const client = { name: "plain", version: "1.0.0" };
const capabilities = { encodings: ["json"], features: [] };
const hello = { type: "session.hello", payload: { client, auth, capabilities } };

type Resume = (position: { session: string; token: string; last: number }) => Message;
const forms: Readonly<Record<string, Resume>> = {
  "session.resume": ({ session, token, last }) => ({
    type: "session.resume",
    payload: { resume_token: token, last_event_seq: last, session_id: session, auth },
  }),
  "resume inside session.hello": ({ session, token, last }) => ({
    type: "session.hello",
    payload: {
      ...hello.payload,
      resume: { session_id: session, resume_token: token, last_event_seq: last },
    },
  }),
  "the flat pair in session.hello": ({ token, last }) => ({
    type: "session.hello",
    payload: { ...hello.payload, resume_token: token, last_event_seq: last },
  }),
};

/** A runtime behind a cable that can be cut, and an agent that counts as far as it is allowed to. */
async function counting(store: StoreName) {
  const shelf = shelves[store]();
  let limit = 0;
  let go = Promise.withResolvers<void>();
  const counter = defineAgent({
    name: "counter",
    async run(ctx, to: number) {
      for (let i = 1; i <= to; i++) {
        while (i > limit) await go.promise;
        await ctx.emit("x-vendor.acme.count", { i });
      }
      return to;
    },
  });
  const runtime = createRuntime({
    agents: [counter],
    auth: tokenTable({ [TOKEN]: "alice" }),
    store: shelf.open(),
  });
  const server = await listen({ port: 0 }, runtime.serve);
  const relay = await Relay.to(Number(new URL(server.url).port));
  return {
    relay,
    letCountTo(i: number) {
      limit = i;
      go.resolve();
      go = Promise.withResolvers<void>();
    },
    async close() {
      relay.close();
      await runtime.close();
      await server.close();
      shelf[Symbol.dispose]();
    },
  };
}

const count = (i: number) => (m: Message) => m["payload"].body?.i === i;
const isEnd = (m: Message) => m["type"] === "job.result";
const numbers = (messages: Message[]) =>
  messages.flatMap(({ event_seq: seq }) => (seq === undefined ? [] : [seq]));

const combinations = stores.flatMap((store) =>
  Object.entries(forms).map(([form, resume]) => ({ store, form, resume })),
);

describe.each(combinations)("a plain WebSocket on $store, by $form", ({ store, resume }) => {
  const begin = async (to: number) => {
    const { relay, letCountTo, close } = await counting(store);
    const plain = new PlainClient();
    const back = (last = plain.stream.length) =>
      plain.open(relay.url, resume({ session: plain.session, token: plain.token, last }));
    expect(await plain.open(relay.url, hello)).toMatchObject({ type: "session.welcome" });
    const submit = { type: "job.submit", session_id: plain.session };
    const id = plain.send({ ...submit, payload: { agent: "counter", input: to } });
    const accepted = await plain.find(({ type }) => type === "job.accepted");
    expect(accepted["payload"].request_id).toBe(id);
    return {
      plain,
      back,
      letCountTo,
      job: accepted["job_id"] as string,
      cut: async () => {
        relay.cut();
        await plain.closed;
      },
      async [Symbol.asyncDispose]() {
        plain.leave();
        await close();
      },
    };
  };

  test("R-6.3-1 and R-6.3-8: it gets what it missed and then the rest, each number once", async () => {
    await using scene = await begin(500);
    const { plain, back, letCountTo, cut } = scene;
    for (const i of [100, 250, 400]) {
      letCountTo(i);
      await plain.readTo(count(i));
      // It claims less than it has, like one that was killed before it stored the last events.
      letCountTo(i + 40);
      await cut();
      expect(await back(i - 50)).toMatchObject({
        type: "session.welcome",
        session_id: plain.session,
      });
      await plain.readTo(count(i + 40));
      expect(numbers(plain.received)[0]).toBe(i - 49);
    }
    letCountTo(500);
    expect(await plain.readTo(isEnd)).toBe(502);
    const counted = plain.stream.flatMap((m) => m["payload"].body?.i ?? []);
    expect(counted).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  });

  test("R-6.3-9: if it has everything, nothing is replayed, and the next number follows", async () => {
    await using scene = await begin(20);
    const { plain, back, letCountTo, cut } = scene;
    letCountTo(10);
    expect(await plain.readTo(count(10))).toBe(11);
    await cut();
    expect(await back()).toMatchObject({ type: "session.welcome" });
    letCountTo(20);
    expect(await plain.readTo(isEnd)).toBe(22);
    expect(numbers(plain.received)[0]).toBe(12);
    await cut();
    expect(await back()).toMatchObject({ type: "session.welcome" });
    const submit = { type: "job.submit", payload: { agent: "counter", input: 1 } };
    plain.send({ ...submit, session_id: plain.session });
    expect(await plain.readTo(isEnd)).toBe(25);
    expect(numbers(plain.received)).toEqual([23, 24, 25]);
  });

  test("R-6.3-12: if the job ended while it was away, it gets the rest and the end", async () => {
    await using scene = await begin(30);
    const { plain, back, letCountTo, cut } = scene;
    letCountTo(10);
    await plain.readTo(count(10));
    await cut();
    letCountTo(30);
    await settled();
    expect(await back()).toMatchObject({ type: "session.welcome" });
    expect(await plain.readTo(isEnd)).toBe(32);
    expect(numbers(plain.received)).toEqual(Array.from({ length: 21 }, (_, i) => 12 + i));
  });

  test("R-6.3-15 and R-4.1-11: if its old socket is still open, that gets the code 1008 and nothing more", async () => {
    await using scene = await begin(30);
    const { plain, back, letCountTo } = scene;
    letCountTo(10);
    await plain.readTo(count(10));
    const { closed, received } = plain;
    const before = received.length;
    expect(await back()).toMatchObject({ type: "session.welcome" });
    letCountTo(30);
    expect(await plain.readTo(isEnd)).toBe(32);
    expect(numbers(plain.received)[0]).toBe(12);
    expect(await closed).toBe(1008);
    expect(received).toHaveLength(before);
  });

  test("R-6.3-5 and R-4.1-11: if its token is void, it is told so, and closed with the code 1008", async () => {
    await using scene = await begin(5);
    const { plain, back, letCountTo, cut } = scene;
    letCountTo(3);
    await plain.readTo(count(3));
    await cut();
    const good = plain.token;
    plain.token = "rt_void";
    const refused = await back();
    expect(refused).toMatchObject({
      type: "session.error",
      payload: { code: "RESUME_WINDOW_EXPIRED" },
    });
    expect(await plain.closed).toBe(1008);
    plain.token = good;
    expect(await back()).toMatchObject({ type: "session.welcome" });
    letCountTo(5);
    expect(await plain.readTo(isEnd)).toBe(7);
  });
});
