import {
  type Envelope,
  features,
  formatTimestamp,
  type JobId,
  LocalError,
  newMessageId,
  REQUEST_ID_FEATURE,
  sleep,
  systemClock,
} from "@arcp/core";
import type { Script, Step } from "../test-agents/step.ts";
import type { Introduction } from "../wire/opening-request.ts";
import type { Sent } from "../wire/sent.ts";
import { isStreamEnvelope, type StreamEnvelope } from "../wire/stream-envelope.ts";
import { type RequestOptions, type ResumeOptions, WireClient } from "../wire/wire-client.ts";
import type { WireOptions } from "../wire/wire-line.ts";
import type { Facts } from "./facts.ts";
import type { Line, Target } from "./target.ts";

/** Which of the two principals a client belongs to. */
export type Who = "first" | "second";

/** A gate in scripts of jobs: a step that waits for it, and the way to open it. */
export interface Gate {
  readonly step: Extract<Step, { do: "await" }>;
  /** Releases all jobs that wait, now or later. Resolves once it is open. */
  open(): Promise<void>;
}

/** A job that runs a script. */
export interface Play {
  readonly id: JobId;
  readonly accepted: Envelope<"job.accepted">;
}

/** What a site may be told besides. */
export interface SiteOptions extends WireOptions {
  /** Aborts what is going on: connections are cut, pauses end, no new ones begin. */
  readonly signal?: AbortSignal;
}

type Submission = Omit<Sent<"job.submit">, "agent" | "input">;

/**
 * What a client of the kit offers unless a scenario says otherwise: no heartbeats, which would interfere, and no acks, which nobody
 * sends.
 */
const quietFeatures = [
  ...features.filter((name) => name !== "heartbeat" && name !== "ack"),
  REQUEST_ID_FEATURE,
];

/** What a scenario has at hand: clients of the runtime under test, scripts for its agents, and gates. */
export class Site {
  readonly facts: Facts;
  readonly tokens: Readonly<Record<Who, string>>;
  readonly #target: Target;
  readonly #options: WireOptions;
  /** Aborts when the result is no longer wanted. */
  readonly #signal: AbortSignal | undefined;
  readonly #lines = new Map<WireClient, Line>();
  readonly #others = new Set<Line>();
  /** Opens gates for others. */
  #usher: Promise<WireClient> | undefined;
  readonly #shut = new Set<string>();
  #closing = false;

  constructor(target: Target, facts: Facts, { signal, ...options }: SiteOptions = {}) {
    this.#target = target;
    this.facts = facts;
    this.#options = options;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#cut);
    const [first, second] = target.tokens;
    this.tokens = { first, second };
  }

  /** The address of the runtime. Only for scenarios that need a WebSocket. */
  get url(): string {
    const { url } = this.#target;
    if (url === undefined) throw new LocalError("MISUSE", "needs a WebSocket");
    return url;
  }

  /** Opens a connection, on which nothing has been sent yet. */
  async line(): Promise<Line> {
    const line = await this.#connect();
    this.#others.add(line);
    return line;
  }

  /** A client that has sent nothing yet. */
  async wire(options: WireOptions = {}): Promise<WireClient> {
    const line = await this.#connect();
    return this.#keep(new WireClient(line.transport, { ...this.#options, ...options }), line);
  }

  /** A client with a new session. */
  async greeted(
    { who = "first", ...introduction }: Partial<Introduction> & { readonly who?: Who } = {},
    options?: WireOptions,
  ): Promise<WireClient> {
    const wire = await this.wire(options);
    await wire.hello({ token: this.tokens[who], features: quietFeatures, ...introduction });
    return wire;
  }

  /** Resumes the session of `wire` on a new connection, whether or not the present one still lives. */
  async resumed(wire: WireClient, options?: ResumeOptions): Promise<WireClient> {
    const line = await this.#connect();
    try {
      return this.#keep(await wire.resume(line.transport, options), line);
    } catch (error) {
      this.#others.add(line);
      throw error;
    }
  }

  /** Breaks the client's connection without a close message. What has already arrived can still be read. */
  async drop(wire: WireClient): Promise<void> {
    this.lineOf(wire).sever();
    await wire.closed;
  }

  /** The connection of a client of this site. Throws a LocalError `MISUSE` for another one. */
  lineOf(wire: WireClient): Line {
    const line = this.#lines.get(wire);
    if (line === undefined) throw new LocalError("MISUSE", "not a client of this site");
    return line;
  }

  /** Kills the runtime and restarts it on its durable store. Only for scenarios that need a restart. */
  async restart(): Promise<void> {
    const { restart } = this.#target;
    if (restart === undefined) throw new LocalError("MISUSE", "the runtime cannot be restarted");
    this.#usher = undefined;
    await restart.call(this.#target);
  }

  /** Submits a script. Throws a `WireRejection` when the runtime refuses. */
  async play(
    wire: WireClient,
    script: Script | readonly Step[],
    rest: Submission = {},
    options?: RequestOptions,
  ): Promise<Play> {
    const input = (isSteps(script) ? { steps: script } : script) as Sent<"job.submit">["input"];
    const accepted = await wire.submit({ agent: "conformance.script", input, ...rest }, options);
    return { id: accepted.payload.job_id, accepted };
  }

  /** Submits a script and awaits its end. @returns all envelopes of the job, its terminal last */
  async played(
    wire: WireClient,
    script: Script | readonly Step[],
    rest?: Submission,
  ): Promise<StreamEnvelope[]> {
    const { id } = await this.play(wire, script, rest);
    return wire.until((envelope) => isTerminal(envelope) && envelope.job_id === id);
  }

  /** A new gate, unknown to other jobs. */
  gate(): Gate {
    const gate = newMessageId("gate_");
    this.#shut.add(gate);
    return { step: { do: "await", gate }, open: () => this.#open([gate]) };
  }

  /** Waits for what nobody can be asked to await: that time passes. */
  pause(ms: number): Promise<void> {
    return sleep(systemClock, ms, this.#signal);
  }

  /**
   * Resolves once everything that the runtime had to send to this client has arrived, so that what is missing shows: after the
   * answer to a ping, and shortly after it.
   */
  async settled(wire: WireClient): Promise<void> {
    for (let turn = 0; turn < 2; turn++) {
      const nonce = newMessageId("calm_");
      const sent_at = formatTimestamp(systemClock.now());
      // A ping must be answered even if heartbeats were not agreed on (R-6.4-2).
      const faulty = !wire.features.has("heartbeat");
      await wire.send({ type: "session.ping", payload: { nonce, sent_at } }, { faulty });
      await wire.notice(
        (envelope) => envelope.type === "session.pong" && envelope.payload.ping_nonce === nonce,
      );
      await this.pause(20);
    }
  }

  /** The frames of all connections, for a failure. */
  frames(): string[] {
    return [...this.#lines.keys()].map(({ transcript }) => transcript.tail(FRAMES_SHOWN));
  }

  /** Ends everything. Rejects with the violations that a sniffer has seen and no wait has thrown. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#signal?.removeEventListener("abort", this.#cut);
    for (const line of this.#lines.values()) line.release();
    // No job of this scenario keeps waiting in later ones. A runtime that is gone has none.
    if (this.#shut.size > 0) await this.#open([...this.#shut]).catch(() => {});
    const closings = await Promise.allSettled([...this.#lines.keys()].map((wire) => wire.close()));
    for (const line of [...this.#lines.values(), ...this.#others]) line.sever();
    for (const closing of closings) if (closing.status === "rejected") throw closing.reason;
  }

  async #open(gates: readonly string[]): Promise<void> {
    this.#usher ??= this.greeted();
    const usher = await this.#usher;
    const { id } = await this.play(
      usher,
      gates.map((gate) => ({ do: "open", gate })),
    );
    for (const gate of gates) this.#shut.delete(gate);
    await usher.next((envelope) => isTerminal(envelope) && envelope.job_id === id);
  }

  readonly #cut = (): void => {
    for (const line of [...this.#lines.values(), ...this.#others]) line.sever();
  };

  #connect(): Promise<Line> {
    // Closing the site still has to open gates.
    if (!this.#closing) this.#signal?.throwIfAborted();
    return this.#target.connect();
  }

  #keep(wire: WireClient, line: Line): WireClient {
    this.#lines.set(wire, line);
    return wire;
  }
}

/** Frames of each connection that a failure shows. */
const FRAMES_SHOWN = 20;

export function isTerminal(envelope: Envelope): boolean {
  return isStreamEnvelope(envelope) && envelope.type !== "job.event";
}

function isSteps(script: Script | readonly Step[]): script is readonly Step[] {
  return Array.isArray(script);
}
