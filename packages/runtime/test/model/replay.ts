import type { JobId, SessionId } from "@arcp/core";
import type { Session } from "../../src/session/session.ts";
import { hashToken } from "../../src/session/token-ring.ts";
import type { CommitOutcome, SessionChange } from "../../src/store/index.ts";
import { numberOf, readFrame } from "./checks.ts";
import { type GatedLogs, HandLogs } from "./hand-logs.ts";
import { HandSessions } from "./hand-sessions.ts";
import { House } from "./house.ts";
import { vaultOf } from "./memory-stream.ts";
import { Wire } from "./wire.ts";
import {
  type Configuration,
  type Conn,
  kindOf,
  type ModelSession,
  roleIn,
  SECRET,
  textOf,
  type World,
} from "./world.ts";

/** One session of the runtime, and its client. */
interface Played {
  readonly id: SessionId;
  session: Session;
  /** The connections of its present process, by number. */
  readonly conns: Map<number, { readonly wire: Wire; readonly logs: GatedLogs }>;
  wire: Wire | undefined;
  next: number;
  /** Which record left under which number. */
  readonly sent: string[];
  /** Answers of the store that their projector has not received yet. */
  readonly answers: { readonly epoch: number; answer(): void }[];
  /** The model's name of each token, by the token's hash; and the token by that name. */
  readonly names: Map<string, string>;
  readonly tokens: Map<string, string>;
}

/** The runtime did something else than the model. */
export class Divergence extends Error {
  override readonly name = "Divergence";
}

/** Plays the steps of the model with the runtime's own connections, sessions and projectors. */
export class Replay {
  readonly #store = new HandSessions();
  readonly #logs = new HandLogs();
  readonly #played: Played[] = [];
  #world: World;
  #house: House;

  private constructor(world: World) {
    this.#world = world;
    this.#house = this.#start();
  }

  /** The runtime in the model's initial state. */
  static async begin(world: World, configuration: Configuration): Promise<Replay> {
    const replay = new Replay(world);
    for (const [s, session] of world.sessions.entries()) {
      const { owns, watches = [] } = configuration.sessions[s] ?? { owns: [] };
      const follows = [...owns, ...watches].flatMap((j) => world.jobs[j]?.id ?? []);
      await replay.#open(session, follows);
    }
    replay.#store.mode = "held";
    return replay;
  }

  #start(): House {
    const reveal = (job: string) => vaultOf(this.#world).reveal(job as JobId, "c");
    const vault = { reveal, shown: () => [] };
    return new House(this.#store, this.#logs, vault, (job) => this.#session(job));
  }

  /** Of the session that submitted a job. */
  #session(job: JobId): SessionId | undefined {
    return this.#played[this.#world.sessions.findIndex(({ owns }) => owns.includes(job))]?.id;
  }

  async #open(model: ModelSession, follows: readonly JobId[]): Promise<void> {
    const sent: string[] = [];
    const wire = new Wire((frame) => this.#left(sent, frame));
    const logs = this.#house.serve(wire);
    wire.say("session.hello", {
      auth: { scheme: "bearer", token: "p" },
      capabilities: { features: [...model.features, "subscribe"] },
    });
    await flush();
    const welcome = JSON.parse(wire.flight.shift() ?? "{}");
    const id = welcome.session_id as SessionId;
    const token: string = welcome.payload.resume_token;
    const session = this.#house.sessions.get(id);
    if (session === undefined) throw new Divergence("no session was opened");
    for (const job of follows) {
      void session.change(() => session.follow(job, roleIn(model, job), 0));
    }
    await flush();
    this.#played.push({
      id,
      session,
      conns: new Map([[0, { wire, logs }]]),
      wire,
      next: 1,
      sent,
      answers: [],
      names: new Map([[hashToken(token), "t0"]]),
      tokens: new Map([["t0", token]]),
    });
  }

  /** Checks bytes at the moment they leave. */
  #left(sent: string[], text: string): void {
    const frame = numbered(text);
    if (frame === undefined) return;
    const { seq, record } = frame;
    const at = (/j\d+/.exec(record)?.[0] ?? "") as JobId;
    const durable = this.#logs.at(at, numberOf(record));
    if (durable?.text !== textOf(record)) throw new Divergence(`J2: ${record} is not durable`);
    const meant = sent[seq - 1];
    if (meant === undefined && seq !== sent.length + 1) {
      throw new Divergence(`P1: ${seq} leaves behind ${sent.length}`);
    }
    if (meant !== undefined && meant !== record) {
      throw new Divergence(`P2: ${seq} was ${meant} and leaves as ${record}`);
    }
    sent[seq - 1] = record;
  }

  /**
   * Whether the runtime can take this step now in the way the model does: a projector looks at everything that it has
   * come across.
   */
  fits(name: string, world: World): boolean {
    const [, s, c, order] = /^s(\d) connection (\d+) number (.*)$/.exec(name) ?? [];
    const logs = this.#played[Number(s)]?.conns.get(Number(c))?.logs;
    if (order !== undefined && logs !== undefined) {
      const first = logs.first(readyIn(world, Number(s)));
      return first.every((job, i) => order.split(" ")[i] === job);
    }
    const [, a, what] = /^s(\d) (client ack|client sub|answers|attaches)/.exec(name) ?? [];
    const { client } = world.sessions[Number(a)] ?? {};
    // A client sends nothing before it has its welcome.
    if (what?.startsWith("client") && client?.flight.some((frame) => frame.startsWith("welcome"))) {
      return false;
    }
    // A projector that reads is building a batch: meanwhile nothing can be followed.
    if (what === undefined || what === "client ack") return true;
    if (what !== "client sub" && isBuilding(world, Number(a))) return false;
    const first = this.#reader(Number(a), world)?.first(readyIn(world, Number(a)));
    return first === undefined || first.length === 0;
  }

  /** Whether the runtime has taken this step already, before anything else could happen. */
  isDone(name: string, world: World): boolean {
    const [, s, c, what = ""] = /^s(\d) (?:connection (\d+) )?(.*)$/.exec(name) ?? [];
    const memory = world.sessions[Number(s)]?.memory;
    const conn = memory?.conns.find(({ no }) => no === Number(c));
    const reads = this.#played[Number(s)]?.conns.get(Number(c))?.logs.waits === true;
    if (what === "welcomes") return true;
    if (what.startsWith("attaches ")) {
      return !isBuilding(world, Number(s)) && this.#reader(Number(s), world)?.waits !== true;
    }
    const [, asked] = /^answers .* (\S+)$/.exec(what) ?? [];
    if (asked !== undefined)
      return !this.#played[Number(s)]?.session.stream.pauses.has(asked as JobId);
    if (what === "park") return !reads;
    if (what === "send") return conn?.batch?.runs.length === 0;
    return what.startsWith("replay") && (conn?.replay ?? 0) > (memory?.issued ?? 0);
  }

  /**
   * @param world the state that the step leads to
   * @param looksEarly whether a read that finds nothing looks at once and answers later
   */
  async play(name: string, world: World, looksEarly: boolean): Promise<void> {
    const before = this.#world;
    this.#world = world;
    if (this.isDone(name, before)) return;
    const [subject = "", ...words] = name.split(" ");
    const what = words.join(" ");
    if (subject.startsWith("j")) this.#playJob(subject as JobId, what, before);
    else if (subject === "crash") this.#crash();
    else if (subject === "restart") await this.#restart();
    else {
      const played = this.#played[Number(subject.slice(1))];
      if (played !== undefined) {
        for (const { logs } of played.conns.values()) logs.looksEarly = looksEarly;
        if (/^client sub|^answers|^attaches/.test(what)) {
          const reads = this.#reader(Number(subject.slice(1)), before);
          reads?.open([]);
          await flush();
          reads?.shut();
        }
        await this.#playSession(played, what);
      }
    }
    await flush();
    for (const { conns } of this.#played) for (const { logs } of conns.values()) logs.shut();
    await this.#wakeStrangers(world);
  }

  /** A projector that the model does not know of must not exist: here it may do whatever it likes. */
  async #wakeStrangers({ sessions }: World): Promise<void> {
    for (const [s, { conns }] of this.#played.entries()) {
      const { conns: present = [], arriving = [] } = sessions[s]?.memory ?? {};
      const known = [...present, ...arriving];
      for (const [no, { logs }] of conns) {
        if (!logs.waits || known.some((conn) => conn.no === no)) continue;
        logs.openAll();
        await flush();
      }
    }
  }

  /** The logs of the projector that may be building a batch. */
  #reader(s: number, { sessions }: World): GatedLogs | undefined {
    const conn = sessions[s]?.memory?.conns.find(({ stopped }) => !stopped);
    return conn?.replay === undefined && conn
      ? this.#played[s]?.conns.get(conn.no)?.logs
      : undefined;
  }

  #playJob(id: JobId, what: string, before: World): void {
    const job = before.jobs.find((one) => one.id === id);
    if (what === "evict") this.#logs.evict(id);
    const late = what === "commit of the process before" ? job?.late?.record : undefined;
    const record = what === "commit" ? job?.accepted[0] : late;
    if (record === undefined) return;
    this.#logs.append(id, numberOf(record) - 1, { kind: kindOf(record), text: textOf(record) });
  }

  #crash(): void {
    this.#store.crash();
    this.#logs.listeners.clear();
    for (const { conns, answers } of this.#played) {
      for (const { wire } of conns.values()) wire.dead = true;
      conns.clear();
      answers.length = 0;
    }
  }

  async #restart(): Promise<void> {
    this.#house = this.#start();
    this.#store.mode = "promised";
    const owns = (id: SessionId) => {
      const s = this.#played.findIndex((one) => one.id === id);
      return this.#world.sessions[s]?.owns ?? [];
    };
    await this.#house.restore({ has: () => true, ownedBy: owns, isDelegated: () => false });
    this.#store.mode = "held";
    for (const played of this.#played) {
      const session = this.#house.sessions.get(played.id);
      if (session === undefined) throw new Divergence("a session was not restored");
      played.session = session;
    }
  }

  async #playSession(played: Played, what: string): Promise<void> {
    const [, no = "", doing = ""] = /^connection (\d+) (.*)$/.exec(what) ?? [];
    if (no !== "") return this.#playProjector(played, Number(no), doing);
    if (what.startsWith("stores ")) return this.#settle(played);
    if (what.startsWith("fails ")) return this.#fail(played, what.endsWith("but has"));
    const [, token, after] = /^client resumes with (\S+) behind (\d+)$/.exec(what) ?? [];
    if (token !== undefined) return this.#resume(played, token, Number(after));
    const [, acked] = /^client acknowledges (\d+)$/.exec(what) ?? [];
    if (acked !== undefined) {
      played.wire?.say("session.ack", { last_processed_seq: Number(acked) });
      await flush();
      // Trims what may go, whether or not that is worth it.
      played.session.stream.removed([], true);
    }
    const [, job, history] = /^client subscribes to (\S+)( with)?/.exec(what) ?? [];
    if (job !== undefined) {
      const whole = history === undefined ? {} : { history: true };
      played.wire?.say("job.subscribe", { job_id: job, ...whole });
    }
    if (what.startsWith("client gets ")) this.#deliver(played);
    if (/^client (loses|finds)/.test(what)) played.wire = undefined;
  }

  async #playProjector(played: Played, no: number, doing: string): Promise<void> {
    const logs = played.conns.get(no)?.logs;
    const { memory } = this.#world.sessions[this.#played.indexOf(played)] ?? {};
    const model = memory?.conns.find((one) => one.no === no);
    if (doing.startsWith("number ")) logs?.open(doing.slice(7).split(" ") as JobId[]);
    if (doing.startsWith("notices ")) played.conns.get(no)?.wire.end();
    if (doing === "park") logs?.grant();
    if (doing.startsWith("replay ")) await this.#repeat(logs, Number(doing.slice(12)), model);
    if (doing === "send") played.answers.shift()?.answer();
  }

  /** One span of the model, record by record. */
  async #repeat(logs: GatedLogs | undefined, from: number, model: Conn | undefined): Promise<void> {
    const end = model?.replay ?? from + 1;
    for (let seq = from; seq < Math.max(end, from + 1); seq++) {
      logs?.grant();
      await flush();
    }
  }

  /** Changes the store; a projector learns of it when the model lets it send. */
  async #settle({ id, answers }: Played): Promise<void> {
    const call = this.#store.queue(id).shift();
    if (call === undefined) throw new Divergence("nothing is on its way to the store");
    const outcome: CommitOutcome = await call.make();
    const answer = () => call.reply.resolve(outcome);
    if (call.change?.runs === undefined || outcome === "fenced") answer();
    else answers.push({ epoch: call.epoch, answer });
  }

  async #fail({ id }: Played, applied: boolean): Promise<void> {
    const call = this.#store.queue(id).shift();
    if (call === undefined) throw new Divergence("nothing is on its way to the store");
    if (applied) await call.make();
    call.reply.reject(new Error("nobody knows"));
  }

  async #resume(played: Played, token: string, after: number): Promise<void> {
    const no = played.next++;
    const wire = new Wire((frame) => this.#left(played.sent, frame));
    played.wire = wire;
    played.conns.set(no, { wire, logs: this.#house.serve(wire) });
    wire.say("session.resume", {
      auth: { scheme: "bearer", token: "p" },
      resume_token: played.tokens.get(token),
      last_event_seq: after,
    });
  }

  #deliver({ wire, tokens, names }: Played): void {
    const frame = JSON.parse(wire?.flight.shift() ?? "{}");
    const token: string | undefined = frame.payload?.resume_token;
    if (token !== undefined) tokens.set(names.get(hashToken(token)) ?? "", token);
  }

  /** Compares what the runtime has in memory, in the store and in flight, and what it has sent, with a state of the model. */
  async compare(world: World): Promise<void> {
    for (const [s, played] of this.#played.entries()) {
      const model = world.sessions[s];
      if (model === undefined) continue;
      this.#learnTokens(played, model);
      const expected = told(model);
      const found = await this.#found(played, world.up, model);
      for (const [part, value] of Object.entries(expected)) {
        const [is, ought] = [JSON.stringify(found[part]), JSON.stringify(value)];
        if (is !== ought) throw new Divergence(`s${s} ${part}: ${is}, and the model says ${ought}`);
      }
    }
  }

  /** The runtime makes tokens up: they get the model's names of those of the same claim. */
  #learnTokens({ id, names }: Played, { queue }: ModelSession): void {
    for (const [i, { claim }] of this.#store.queue(id).entries()) {
      const hash = claim?.at(-1);
      const name = queue[i]?.claim?.tokens.at(-1);
      if (hash !== undefined && name !== undefined && !names.has(hash)) names.set(hash, name);
    }
  }

  async #found(
    { id, session, sent, wire, names }: Played,
    up: boolean,
    model: ModelSession,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { inner } = this.#store;
    const row = await inner.get(id);
    const named = (hashes: readonly string[] = []) => hashes.map((hash) => names.get(hash));
    const { journal, issued, lag, writer, attachments } = session.stream;
    const flight = wire?.flight.flatMap((frame) => wordOf(frame, names)) ?? [];
    return {
      sent,
      refused: flight.includes("refused") || model.client.refused,
      flight: flight.filter((word) => word !== "refused"),
      row: [row?.epoch, named(row?.tokens), row?.issued ?? null, row?.acked],
      attachments: rows(await inner.attachments(id)),
      runs: await inner.runs(id),
      queue: this.#store.queue(id).map((call) => {
        return [call.epoch, call.claim ? named(call.claim) : changed(call.change, named)];
      }),
      memory: up
        ? [writer.epoch, issued, lag?.acked, [...journal.runs(0, Number.POSITIVE_INFINITY)]]
        : null,
      places: up ? places([...attachments]) : null,
    };
  }
}

/** Whoever waits for a batch waits for its end, even if its connection is taken over meanwhile. */
function isBuilding({ sessions }: World, s: number): boolean {
  return sessions[s]?.memory?.conns.some(({ batch }) => batch !== undefined) === true;
}

/** The jobs of which a projector has something to read. */
function readyIn({ sessions, jobs }: World, s: number): readonly JobId[] {
  const places = sessions[s]?.memory?.places ?? [];
  return places.flatMap(({ row: { job }, cursor, waiting }) => {
    const { log = [], floor = 0 } = jobs.find(({ id }) => id === job) ?? {};
    return waiting === undefined && (log.length !== cursor || floor > cursor) ? [job] : [];
  });
}

/** The same for the model. */
function told({ row, queue, memory, client, ghost }: ModelSession) {
  return {
    sent: ghost.sent,
    refused: client.refused,
    flight: client.flight.map(modelWord),
    row: [row.epoch, row.tokens, row.issued ?? null, row.acked],
    attachments: rows(row.attachments),
    runs: row.runs,
    queue: queue.map(({ epoch, claim, change }) => {
      return [epoch, claim ? claim.tokens : changed(change, (tokens) => tokens)];
    }),
    memory: memory ? [memory.epoch, memory.issued, memory.acked, memory.runs] : null,
    places: memory ? places(memory.places.map(({ row, cursor }) => ({ ...row, cursor }))) : null,
  };
}

type Follows = { readonly job: JobId; readonly role: string };

function rows(all: readonly (Follows & { readonly after: number; readonly since: number })[]) {
  return all.map(({ job, role, after, since }) => `${job} ${role} ${after} ${since}`).sort();
}

function places(all: readonly (Follows & { readonly cursor: number })[]): readonly string[] {
  return all.map(({ job, role, cursor }) => `${job} ${role} ${cursor}`).sort();
}

function changed(
  { tokens, attach, ...change }: SessionChange = {},
  named: (tokens: readonly string[]) => readonly unknown[],
) {
  return {
    ...change,
    ...(tokens && { tokens: named(tokens) }),
    ...(attach && { attach: rows(attach) }),
  };
}

/** A frame in flight, in the form of the model. */
function wordOf(text: string, names: ReadonlyMap<string, string>): string[] {
  const frame = numbered(text);
  if (frame !== undefined) return [`${frame.seq} ${frame.record}${secretIn(text)}`];
  const { type, payload } = JSON.parse(text);
  if (type === "job.subscribed") return [`subscribed ${payload.job_id}`];
  if (type === "session.welcome") return [`welcome ${names.get(hashToken(payload.resume_token))}`];
  if (payload.job_id !== undefined) return [`lost ${payload.job_id}`];
  return [];
}

function modelWord(text: string): string {
  if (/^[a-z]/.test(text)) return text;
  const { seq, record } = readFrame(text);
  return `${seq} ${record}${secretIn(text)}`;
}

function secretIn(text: string): string {
  return text.includes(SECRET) ? ` ${SECRET}` : "";
}

function numbered(text: string): { readonly seq: number; readonly record: string } | undefined {
  const { event_seq: seq, id } = JSON.parse(text) as { event_seq?: number; id: string };
  return seq === undefined ? undefined : { seq, record: id };
}

/** Lets everything due in the runtime take place and leave: a turn closes after its end. */
function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
