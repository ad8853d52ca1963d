import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { createRuntime, defineAgent, type Runtime, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { assertClear } from "./clear-error.ts";
import { heap } from "./heap.ts";
import { type HostileFrame, hostileCorpus, type Knowledge } from "./hostile-corpus.ts";
import { mutants, spoilt } from "./hostile-mutation.ts";
import { type Expectation, expectationOf, mayOpen } from "./hostile-oracle.ts";
import { type Message, RawSocket } from "./raw-socket.ts";

const ATTACKER = "token-of-mallory";
const BYSTANDER = "token-of-bob";
/** Milliseconds that two events of somebody else may lie apart, on a machine that is busy with something else too. */
const PATIENCE = 5_000;
const FEATURES = ["subscribe", "list_jobs", "ack", "agent_versions", "cost.budget"];

/** What came of it. */
export interface SiegeReport {
  readonly seed: number;
  /** Frames of the corpus, and generated ones, each sent on a session. */
  readonly corpus: number;
  readonly generated: number;
  /** Those that were sent before the handshake, too. */
  readonly unannounced: number;
  /** How often which kind of answer was given, by the code of the error, the type of the reply, or the close. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Bytes that the heap has grown by from the middle to the end. */
  readonly growth: number;
  /** Events that the bystander got meanwhile, and the longest wait between two of them, ms. */
  readonly events: number;
  readonly longestWait: number;
}

export interface SiegeOptions {
  /** Generated frames, beside the corpus. */
  readonly count: number;
  readonly seed: number;
}

/**
 * Sends hostile frames to a runtime behind a port, and looks at every answer: one clear error, silence, or a close, as
 * documented; for a frame that is valid by chance, its reply. Somebody else watches a job meanwhile, and feels nothing.
 * @throws AssertionError that shows the frame
 */
export async function besiege({ count, seed }: SiegeOptions): Promise<SiegeReport> {
  const fortress = await build();
  const { runtime, url, close } = fortress;
  try {
    const bystander = await Bystander.watching(url);
    const attack = new Attack(fortress, bystander);
    const corpus = hostileCorpus(await attack.knowledge()).length;
    for (let i = 0; i < corpus; i++) {
      await attack.strike((known) => hostileCorpus(known)[i] as HostileFrame);
    }
    const plans = mutants(count, seed);
    let middle = 0;
    for (const [i, mutant] of plans.entries()) {
      if (i === Math.floor(count / 2)) middle = await settledHeap();
      await attack.strike((known) => spoilt(mutant, known, `mutant_${i}`));
    }
    const growth = (await settledHeap()) - middle;
    const watched = await bystander.finish();
    await attack.retreat();
    const { unannounced, outcomes } = attack;
    return { seed, corpus, generated: count, unannounced, outcomes, growth, ...watched };
  } finally {
    await runtime.close();
    await close();
  }
}

interface Fortress {
  readonly runtime: Runtime;
  readonly url: string;
  /** Where the next connection comes from. */
  from(address: string): void;
  close(): Promise<void>;
}

async function build(): Promise<Fortress> {
  const ticker = defineAgent({
    name: "ticker",
    async run(ctx) {
      for (let i = 1; !ctx.signal.aborted; i++) {
        await ctx.emit("x-vendor.siege.tick", { i });
        await pause(2);
      }
    },
  });
  const echo = defineAgent({ name: "echo", run: async (_ctx, input) => input ?? null });
  const runtime = createRuntime({
    agents: [ticker, echo],
    auth: tokenTable({ [ATTACKER]: "mallory", [BYSTANDER]: "bob" }),
    // What is over is forgotten soon, so that it does not look like growth.
    limits: { resumeWindowSec: 1, retentionSec: 1 },
    logger: silent,
  });
  let address = "";
  const server = await listen({ port: 0 }, (transport) => runtime.serve(transport, { address }));
  return {
    runtime,
    url: server.url,
    from(source) {
      address = source;
    },
    close: () => server.close(),
  };
}

const nothing = (): void => {};
const silent = Object.assign(
  { child: () => silent },
  {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
  },
) as unknown as NonNullable<Parameters<typeof createRuntime>[0]["logger"]>;

/** Somebody with a job of its own, to whom nothing must happen. */
class Bystander {
  readonly socket: RawSocket;
  readonly job: string;

  private constructor(socket: RawSocket, job: string) {
    this.socket = socket;
    this.job = job;
  }

  static async watching(url: string): Promise<Bystander> {
    const socket = await RawSocket.greeted(url, BYSTANDER, FEATURES);
    const { job_id: job } = await socket.submit("ticker");
    return new Bystander(socket, job);
  }

  /** What it had, after it has done its own work. */
  async finish(): Promise<{ events: number; longestWait: number }> {
    const { socket, job } = this;
    const ticks = () =>
      socket.received.filter(({ payload }) => payload.kind === "x-vendor.siege.tick");
    const last = ticks().length;
    await socket.find(({ payload }) => payload.body?.i === last + 1);
    const { job_id: own } = await socket.submit("echo", { input: "unharmed" });
    const end = await socket.find(({ type, job_id }) => type === "job.result" && job_id === own);
    assert.equal(end["payload"].result, "unharmed");
    await socket.request("job.cancel", { job_id: job });
    await socket.find(({ type, job_id }) => type === "job.error" && job_id === job);
    const stream = socket.received.filter(({ event_seq: seq }) => seq !== undefined);
    assert.deepEqual(
      stream.map(({ event_seq: seq }) => seq),
      stream.map((_, i) => i + 1),
    );
    const got = ticks();
    assert.deepEqual(
      got.map(({ payload }) => payload.body.i),
      got.map((_, i) => i + 1),
    );
    for (const { type, job_id: of } of socket.received) {
      assert(
        /^(session\.(welcome|closed)|job\.(accepted|event|result|error|cancelled))$/.test(type),
        type,
      );
      assert(of === undefined || of === job || of === own, "a word of somebody else's job");
    }
    const times = got.map(({ payload }) => Date.parse(payload.ts));
    const waits = times.slice(1).map((time, i) => time - (times[i] ?? time));
    const longestWait = Math.max(...waits);
    assert(longestWait < PATIENCE, `nothing came for ${longestWait} ms`);
    return { events: stream.length, longestWait };
  }
}

class Attack {
  unannounced = 0;
  readonly outcomes: Record<string, number> = {};
  readonly #fortress: Fortress;
  readonly #bystander: Bystander;
  #socket: RawSocket | undefined;
  #job = "";
  #strikes = 0;

  constructor(fortress: Fortress, bystander: Bystander) {
    this.#fortress = fortress;
    this.#bystander = bystander;
  }

  async knowledge(): Promise<Knowledge> {
    const { session } = await this.#besieger();
    const { socket, job } = this.#bystander;
    return {
      session,
      job: this.#job,
      foreignSession: socket.session,
      foreignJob: job,
      foreignToken: socket.token,
    };
  }

  /** Sends a frame on a session, and some on a connection that has none. */
  async strike(make: (known: Knowledge) => HostileFrame): Promise<void> {
    this.#strikes += 1;
    // A socket is not kept for ever, or what it has received would be what grows.
    if (this.#strikes % 500 === 0) await this.retreat();
    const known = await this.knowledge();
    const frame = make(known);
    try {
      const expected = expectationOf(frame, known);
      this.#count(await this.#onSession(frame, expected));
      if (this.#strikes % 2 === 0) this.#count(await this.#unannounced(frame, expected));
    } catch (error) {
      const shown = `${frame.data}`.slice(0, 500);
      throw new Error(`strike ${this.#strikes}: ${JSON.stringify(shown)}`, { cause: error });
    }
  }

  async retreat(): Promise<void> {
    await this.#socket?.leave();
    this.#socket = undefined;
  }

  /** A session with a job, as long as the last one lasts. */
  async #besieger(): Promise<RawSocket> {
    if (this.#socket !== undefined) return this.#socket;
    this.#fortress.from("");
    const socket = await RawSocket.greeted(this.#fortress.url, ATTACKER, FEATURES);
    const { job_id: job } = await socket.submit("echo");
    await socket.find(({ type }) => type === "job.result");
    this.#socket = socket;
    this.#job = job;
    return socket;
  }

  async #onSession(frame: HostileFrame, expected: Expectation): Promise<string> {
    const socket = await this.#besieger();
    const before = socket.received.length;
    const answers = () => socket.received.slice(before).filter(isAnswer);
    socket.sendRaw(frame.data, frame.binary);
    if (expected.kind === "closed") return this.#closed(expected.codes, answers());
    if (expected.kind === "parting") {
      const answer = await socket.find(isAnswer, before).catch(() => undefined);
      if (answer?.["type"] !== "session.error") return this.#closed([1000], answers());
    } else if (expected.kind !== "silent") {
      await socket.find(isAnswer, before);
    }
    // Whatever else there is to say is said in front of this.
    await socket.ping(`probe ${this.#strikes}`);
    const [answer, ...more] = answers();
    assert.deepEqual(more, [], "answered more than once");
    if (answer === undefined) {
      assert.equal(expected.kind, "silent");
      return "nothing";
    }
    return this.#judged(answer, expected);
  }

  #judged(answer: Message, expected: Exclude<Expectation, { kind: "closed" }>): string {
    const { type, payload } = answer;
    if (type === "session.error") {
      assertClear(payload, [ATTACKER, BYSTANDER]);
      assert.equal(payload.request_id, expected.id);
      return payload.code;
    }
    assert(expected.kind === "answered", `answered by ${type}`);
    assert.equal(type, expected.type);
    if (type !== "session.pong") assert.equal(payload.request_id, expected.id);
    assert.notEqual(answer["job_id"], this.#bystander.job);
    return type;
  }

  async #closed(codes: readonly number[], answers: readonly Message[]): Promise<string> {
    const code = (await this.#socket?.closed) ?? 0;
    this.#socket = undefined;
    assert(codes.includes(code), `closed with ${code}, not ${codes}`);
    for (const { type } of answers) assert.equal(type, "session.closed");
    return `close ${code}`;
  }

  async #unannounced(frame: HostileFrame, expected: Expectation): Promise<string> {
    this.unannounced += 1;
    // From many places, or it would soon be refused unheard.
    this.#fortress.from(`192.0.2.${this.unannounced % 250}`);
    const socket = await RawSocket.open(this.#fortress.url);
    socket.sendRaw(frame.data, frame.binary);
    const code = await Promise.race([
      socket.closed,
      socket
        .find(({ type }) => type === "session.welcome")
        .then(
          () => 0,
          () => socket.closed,
        ),
    ]);
    if (code === 0) {
      assert(mayOpen(frame), "a session was opened");
      await socket.leave();
      return "session.welcome";
    }
    const answers = socket.received;
    if (expected.kind === "closed" && answers.length === 0) {
      assert(expected.codes.includes(code), `closed with ${code}, not ${expected.codes}`);
      return `close ${code}`;
    }
    assert.deepEqual(
      answers.map(({ type }) => type),
      ["session.error"],
    );
    assertClear(answers[0]?.["payload"], [ATTACKER, BYSTANDER]);
    assert.match(`${answers[0]?.["session_id"]}`, /^sess_/);
    const big = Buffer.byteLength(frame.data) > 64 * 1024;
    assert.equal(code, big ? 1009 : 1008);
    return `close ${code} before the welcome`;
  }

  #count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}

/** Neither an event nor an answer to the harness itself. */
function isAnswer({ type, event_seq: seq, payload }: Message): boolean {
  return seq === undefined && !(type === "session.pong" && /^probe /.test(payload.ping_nonce));
}

/** When what is over has been forgotten. */
async function settledHeap(): Promise<number> {
  await pause(1_500);
  return heap();
}
