import assert from "node:assert/strict";
import { features, formatTimestamp, LocalError, newTraceId, systemClock } from "@arcp/core";
import { inTime } from "../in-time.ts";
import type { Step } from "../test-agents/step.ts";
import { type SdkForm, type SdkName, sdkForms } from "./sdk-form.ts";
import type { Site } from "./site.ts";
import type { Line } from "./target.ts";

/** A frame as it came, with nothing taken for granted. */
// biome-ignore lint/suspicious/noExplicitAny: a scenario looks into payloads of all types
export type SdkFrame = Record<string, any>;

/** Milliseconds that each frame may take. */
const PATIENCE_MS = 10_000;

/** The features that the SDKs agree on, except those that would add traffic. */
const COMMON = features.filter((name) => name !== "heartbeat" && name !== "ack");

/**
 * The client of a published SDK, frame by frame: it writes as that does, and reads frames in the order in which they come. No
 * sniffer watches it, since that expects the forms of the draft.
 */
export class SdkClient {
  readonly #form: SdkForm;
  readonly #line: Line;
  readonly #site: Site;
  readonly #frames: AsyncIterator<string>;
  #session: string | undefined;

  private constructor(site: Site, form: SdkForm, line: Line) {
    this.#site = site;
    this.#form = form;
    this.#line = line;
    this.#frames = line.transport.frames[Symbol.asyncIterator]();
  }

  /** @param offered features besides those that all SDKs have */
  static async greeted(
    site: Site,
    sdk: SdkName,
    offered: readonly string[] = [],
  ): Promise<SdkClient> {
    const form = sdkForms[sdk];
    const client = new SdkClient(site, form, await site.line());
    await client.send("session.hello", {
      client: { name: form.client, version: "1.0.0" },
      auth: { scheme: "bearer", token: site.tokens.first },
      capabilities: { encodings: ["json"], features: [...COMMON, ...offered] },
    });
    const welcome = await client.next();
    assert.equal(welcome["type"], "session.welcome");
    client.#session = welcome["session_id"];
    return client;
  }

  /** Sends a message in the SDK's envelope. @returns its id */
  async send(type: string, payload: object = {}, rest: object = {}): Promise<string> {
    const id = this.#form.id();
    const session = this.#session === undefined ? {} : { session_id: this.#session };
    const envelope = { arcp: "1.1", id, type, ...session, ...this.#form.extra(), payload, ...rest };
    await this.#line.transport.send([JSON.stringify(envelope)]);
    return id;
  }

  /** Submits a script with a trace of its own. @returns the id of the request */
  submit(steps: readonly Step[], rest: object = {}): Promise<string> {
    const payload = { agent: "conformance.script", input: { steps }, ...rest };
    return this.send("job.submit", payload, { trace_id: newTraceId() });
  }

  /** Sends a request about a job, which it names where the SDK does. */
  about(type: string, job: string): Promise<string> {
    const { header = {}, payload = {} } = this.#form.target(job);
    return this.send(type, payload, header);
  }

  /** The next frame, whatever it is. Fails if none comes. */
  async next(): Promise<SdkFrame> {
    const { value, done } = await inTime(this.#frames.next(), PATIENCE_MS, () => {
      throw new LocalError("REQUEST_TIMEOUT", `no frame came within ${PATIENCE_MS} ms`);
    });
    return done ? assert.fail("the connection has ended") : JSON.parse(value);
  }

  /** Reads on to the first frame that matches. @returns all frames up to it */
  async until(fits: (frame: SdkFrame) => boolean): Promise<readonly SdkFrame[]> {
    const frames: SdkFrame[] = [];
    for (;;) {
      const frame = await this.next();
      frames.push(frame);
      if (fits(frame)) return frames;
    }
  }

  /** Submits a script and reads on to the end of its job. @returns everything from the acceptance on */
  async played(steps: readonly Step[], rest?: object): Promise<readonly SdkFrame[]> {
    await this.submit(steps, rest);
    return this.until(({ type }) => type === "job.result" || type === "job.error");
  }

  /** Everything that comes before the answer to a ping, and shortly after it. */
  async rest(): Promise<readonly SdkFrame[]> {
    const frames: SdkFrame[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const nonce = this.#form.id();
      const sent_at = formatTimestamp(systemClock.now());
      await this.send("session.ping", { nonce, sent_at });
      const isPong = ({ type, payload }: SdkFrame) =>
        type === "session.pong" && payload.ping_nonce === nonce;
      frames.push(...(await this.until(isPong)).slice(0, -1));
      await this.#site.pause(20);
    }
    return frames;
  }
}
