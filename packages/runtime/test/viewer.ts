import { linkedPair, newMessageId, type Frame as Sent, type Transport } from "@arcp/core";
import type { Peer } from "../src/peer.ts";
import type { Runtime } from "../src/runtime.ts";

/** A frame as it came, parsed. */
export interface Frame {
  readonly type: string;
  readonly id: string;
  readonly session_id?: string;
  readonly job_id?: string;
  readonly trace_id?: string;
  readonly event_seq?: number;
  readonly job_seq?: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of all types
  readonly payload: any;
}

export const ALL_FEATURES = [
  "subscribe",
  "agent_versions",
  "progress",
  "result_chunk",
  "cost.budget",
];

/** A client that deals only in frames: it keeps what it gets and draws no conclusions. */
export class Viewer {
  readonly frames: Frame[] = [];
  /** How the connection ended; pending while it lives. */
  readonly ended: Promise<unknown>;
  readonly #transport: Transport;
  readonly sever: () => void;
  #woken = Promise.withResolvers<void>();

  constructor(
    runtime: Runtime,
    options: {
      highWaterMark?: number;
      read?: boolean;
      /** Called with every write of the runtime, at the moment it is made. */
      tap?: () => void;
      /** Makes strings of what the runtime sends, as late as it likes: the transport is one that takes frames in parts. */
      encode?: (frames: readonly Sent[]) => Promise<readonly string[]>;
      peer?: Peer;
    } = {},
  ) {
    const pair = linkedPair(options);
    this.#transport = pair.client;
    this.sever = () => pair.sever();
    const { frames, send, close } = pair.runtime;
    const { encode } = options;
    const transport: Transport = {
      frames,
      send(batch) {
        options.tap?.();
        return send.call(pair.runtime, batch);
      },
      ...(encode && {
        sendParts: async (batch) => send.call(pair.runtime, await encode(batch)),
      }),
      close: (reason) => close.call(pair.runtime, reason),
    };
    runtime.serve(transport, options.peer);
    this.ended = options.read === false ? Promise.resolve() : this.read();
  }

  /** Reads until the connection ends; a viewer made with `read: false` stalls until this is called. */
  async read(): Promise<unknown> {
    try {
      for await (const text of this.#transport.frames) {
        this.frames.push(JSON.parse(text) as Frame);
        this.#woken.resolve();
        this.#woken = Promise.withResolvers();
      }
      return "closed";
    } catch (error) {
      return error;
    }
  }

  send(type: string, payload: object, rest: object = {}): string {
    return this.sendAs(newMessageId("req_"), type, payload, rest);
  }

  /** Sends with a given id, to repeat a request. */
  sendAs(id: string, type: string, payload: object, rest: object = {}): string {
    // A failed send shows in `ended`.
    this.#transport
      .send([JSON.stringify({ arcp: "1.1", id, type, payload, ...rest })])
      .catch(() => {});
    return id;
  }

  /** The first frame that fits, as soon as it arrives. */
  async find(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (let next = 0; ; ) {
      // A test may have dropped what came before.
      if (next > this.frames.length) next = 0;
      const frame = this.frames[next];
      if (frame === undefined) await this.#woken.promise;
      else if (fits(frame)) return frame;
      else next += 1;
    }
  }

  async reply(id: string): Promise<Frame> {
    return this.find((frame) => frame.payload.request_id === id);
  }

  /** The numbered frames, in the order of arrival. */
  get stream(): readonly Frame[] {
    return this.frames.filter((frame) => frame.event_seq !== undefined);
  }

  get seqs(): readonly (number | undefined)[] {
    return this.stream.map((frame) => frame.event_seq);
  }

  async hello(features: readonly string[] = ALL_FEATURES, token = "secret"): Promise<Frame> {
    this.send("session.hello", {
      auth: { scheme: "bearer", token },
      capabilities: { features },
    });
    return this.find(({ type }) => type === "session.welcome" || type === "session.error");
  }

  async resume(welcome: Frame, after: number, features?: readonly string[]): Promise<Frame> {
    this.send("session.resume", {
      auth: { scheme: "bearer", token: "secret" },
      resume_token: welcome.payload.resume_token,
      last_event_seq: after,
      ...(features === undefined ? {} : { capabilities: { features } }),
    });
    return this.find(({ type }) => type === "session.welcome" || type === "session.error");
  }

  async submit(agent: string, input: unknown = null, rest: object = {}): Promise<Frame> {
    return this.reply(this.send("job.submit", { agent, input, ...rest }));
  }

  /** The terminal frame of a job. */
  terminal(job: string | undefined): Promise<Frame> {
    return this.find(
      ({ type, job_id, event_seq }) =>
        (type === "job.result" || type === "job.error") &&
        job_id === job &&
        event_seq !== undefined,
    );
  }
}
