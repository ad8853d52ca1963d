import { features, newTraceId, TransportClosedError } from "@arcp/core";
import { expect } from "vitest";
import { type Place, type SdkForm, type SdkName, sdkForms } from "../src/kit/sdk-form.ts";
import type { Line } from "./line.ts";
import { type Stage, settled, tokens } from "./stage.ts";

/** A frame as it came, of which nothing is believed. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into payloads of all types
export type Frame = Record<string, any>;

export interface Greeting {
  readonly token?: string;
  readonly features?: readonly string[];
  /** Goes on where another connection was. */
  readonly resume?: Place;
  /** In place of the SDK's own name. */
  readonly client?: string;
}

/** The trace of what a test submits. */
export const TRACE = "9f2c41d07be84a6392d5e8b1c03f7a64";

/** What the SDKs agree on, but for what would fill a transcript with what nobody looks at. */
const COMMON = features.filter((name) => name !== "heartbeat" && name !== "ack");

/** The client of an SDK, frame by frame: it writes as that does, and reads in the order in which frames come. */
export class SdkClient {
  /** Everything that came. */
  readonly received: Frame[] = [];
  /** Why the connection ended; pending while it lives. */
  readonly closed: Promise<string>;
  session: string | undefined;
  token = "";
  /** Its cable. */
  readonly line: Line;
  readonly #form: SdkForm;
  #read = 0;
  #woken = Promise.withResolvers<void>();
  #open = true;
  #pings = 0;

  private constructor(form: SdkForm, line: Line) {
    this.#form = form;
    this.line = line;
    this.closed = this.#listen();
  }

  /** A connection on which nothing was said yet. */
  static async dial(stage: Stage, sdk: SdkName): Promise<SdkClient> {
    return new SdkClient(sdkForms[sdk], await stage.line());
  }

  /** A connection with a session. */
  static async greeted(stage: Stage, sdk: SdkName, greeting: Greeting = {}): Promise<SdkClient> {
    const client = await SdkClient.dial(stage, sdk);
    await client.hello(greeting);
    expect(await client.next()).toMatchObject({ type: "session.welcome" });
    return client;
  }

  /** Where it is, for another connection to go on. */
  get place(): Place {
    const seqs = this.received.map(({ event_seq = 0 }) => event_seq);
    return { session: this.session ?? "", token: this.token, after: Math.max(0, ...seqs) };
  }

  sendRaw(text: string): Promise<void> {
    return this.line.transport.send([text]);
  }

  /** Sends a message in the SDK's envelope. @returns its id */
  async send(type: string, payload: object = {}, rest: object = {}): Promise<string> {
    const id = this.#form.id();
    const session = this.session === undefined ? {} : { session_id: this.session };
    const envelope = { arcp: "1.1", id, type, ...session, ...this.#form.extra(), payload, ...rest };
    await this.sendRaw(JSON.stringify(envelope));
    return id;
  }

  hello({ token = tokens.alice, features = COMMON, resume, client }: Greeting = {}) {
    return this.send("session.hello", {
      client: { name: client ?? this.#form.client, version: "1.0.0" },
      auth: { scheme: "bearer", token },
      capabilities: { encodings: ["json"], features },
      ...(resume && this.#form.resume(resume)),
    });
  }

  /** @param trace given to the submit, as the TypeScript SDK does */
  submit(agent: string, rest: object = {}, trace = newTraceId()): Promise<string> {
    return this.send("job.submit", { agent, input: null, ...rest }, { trace_id: trace });
  }

  /** Sends a request about a job, where the SDK puts that. */
  about(type: "job.cancel" | "job.subscribe", job: string, payload: object = {}): Promise<string> {
    const { header = {}, payload: named = {} } = this.#form.target(job);
    return this.send(type, { ...named, ...payload }, header);
  }

  /** The next frame, whatever it is. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.received[this.#read];
      if (frame !== undefined) {
        this.#read += 1;
        return frame;
      }
      if (!this.#open) throw new Error("the connection has ended");
      await this.#woken.promise;
    }
  }

  /** Reads on to the first frame that fits. */
  async skipTo(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const frame = await this.next();
      if (fits(frame)) return frame;
    }
  }

  /** Nothing has come, and nothing comes: what takes its time has had it. */
  async silence(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await settled();
      const nonce = `silence-${++this.#pings}`;
      await this.send("session.ping", { nonce });
      expect(await this.next()).toMatchObject({
        type: "session.pong",
        payload: { ping_nonce: nonce },
      });
    }
  }

  /** Hangs up without a word. */
  async leave(): Promise<void> {
    this.line.transport.close();
    await this.closed;
  }

  async #listen(): Promise<string> {
    try {
      for await (const text of this.line.transport.frames) {
        const frame: Frame = JSON.parse(text);
        this.received.push(frame);
        if (frame["type"] === "session.welcome") {
          this.session = frame["session_id"];
          this.token = frame["payload"].resume_token;
        }
        this.#rouse();
      }
      return "normal";
    } catch (error) {
      return error instanceof TransportClosedError ? (error.reason ?? "broken") : `${error}`;
    } finally {
      this.#open = false;
      this.#rouse();
    }
  }

  #rouse(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }
}

/** Submits to `puppet`. The acceptance is the next frame, and the first event that it runs the one behind. */
export async function played(stage: Stage, client: SdkClient, rest: object = {}) {
  const request = await client.submit("puppet", rest, TRACE);
  const accepted = await client.next();
  expect(accepted).toMatchObject({ type: "job.accepted", payload: { request_id: request } });
  const puppet = await stage.puppets.next();
  const running = await client.next();
  expect(running).toMatchObject({ type: "job.event", payload: { body: { phase: "running" } } });
  return { accepted, id: accepted["job_id"] as string, puppet, running };
}
