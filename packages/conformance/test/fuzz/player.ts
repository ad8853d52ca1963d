import { setTimeout as pause } from "node:timers/promises";
import { edited } from "../hostile-mutation.ts";
import { type Action, type Greeting, type JobChoice, rubbish } from "./action.ts";
import { Breach } from "./breach.ts";
import { Control } from "./control.ts";
import type { House } from "./house.ts";
import { Ledger } from "./ledger.ts";
import { type Lore, opening, said } from "./message.ts";
import { Peer } from "./peer.ts";
import { situation } from "./situation.ts";

/** Connections that a program may have open at a time. */
const MAX_OPEN = 8;

/** Milliseconds for which a roomy house keeps a session that nobody is connected to, and some to spare. */
const WINDOW = 500_000;

/** What ends a connection, by what is sent. */
const CODES = {
  binary: [1003],
  "too big": [1009],
  "not UTF-8": [1007, 1003],
  unmasked: [1002],
  "reserved bits": [1002],
} as const;

/** What came of a program. */
export interface Played {
  readonly frames: number;
  readonly answered: number;
  readonly sessions: number;
  readonly resumes: number;
  readonly jobs: number;
  readonly events: number;
}

/** Plays one program on a house, which has to be empty, and is left empty. */
export class Player {
  readonly #house: House;
  readonly #ledger = new Ledger();
  readonly #peers: Peer[] = [];
  readonly #control: Control;
  /** Milliseconds of the house's time that anything may take. */
  readonly #patience: number;
  #ids = 0;
  #takeovers = false;
  /** Resumes were under way at the same time: nobody knows which token is the newest. */
  #raced = false;
  readonly #begun: number;

  private constructor(house: House, control: Control, patience: number) {
    this.#house = house;
    this.#control = control;
    this.#patience = patience;
    this.#begun = house.clock.monotonic();
  }

  static async on(house: House, patience: number): Promise<Player> {
    return new Player(house, await Control.watching(house), patience);
  }

  /** @throws Breach */
  async play(actions: readonly Action[]): Promise<Played> {
    await this.#settle([]);
    for (const action of actions) {
      await this.#do(action);
      this.#check();
    }
    this.#control.ping();
    for (const { line, conversation } of this.#peers) {
      line.goOn();
      // Nothing but the end can come of half a frame.
      if (conversation.ends.torn) line.destroy();
    }
    await this.#settle(this.#peers);
    await this.#seekAstray();
    await this.#hearEnds();
    this.#ledger.judge();
    return this.#sum();
  }

  /** Everybody leaves, some without a word. */
  async leave(): Promise<void> {
    for (const [i, { line, conversation }] of this.#peers.entries()) {
      conversation.ends.self = true;
      if (i % 2 === 0) line.close();
      else line.destroy();
    }
    this.#control.finish();
    await this.#until(
      () => this.#control.finished,
      () => "the end of the control client's job",
    );
    this.#control.leave();
    await this.#until(
      () => this.#peers.every(({ conversation }) => !conversation.open),
      () => "the end of all connections",
    );
  }

  abandon(): void {
    for (const { line } of this.#peers) line.destroy();
    this.#control.leave();
  }

  /** What came, by the code of an error, the type of a message, or the close. */
  get outcomes(): string[] {
    return this.#peers.flatMap(({ conversation }) => conversation.outcomes);
  }

  /** What the runtime knows, and the frames of the connections that something was wrong with, or of all. */
  async story(): Promise<string> {
    const all = [this.#control, ...this.#peers].map(({ breach, conversation }, i) => ({
      name: i === 0 ? "the control client" : `connection ${i - 1}`,
      isGuilty: breach !== undefined || conversation.waitsFor !== undefined,
      frames: conversation.frames.slice(-60).map((frame) => `    ${frame.slice(0, 400)}`),
    }));
    const guilty = all.filter(({ isGuilty }) => isGuilty);
    const told = (guilty.length > 0 ? guilty : all).flatMap(({ name, frames }) => [
      `  ${name}`,
      ...frames,
    ]);
    const sessions = new Map([...this.#ledger.sessions, ...this.#control.sessions]);
    return [await situation(this.#house, sessions), ...told].join("\n");
  }

  async #do(action: Action): Promise<void> {
    switch (action.do) {
      case "open":
        return this.#open(action);
      case "send":
        return this.#send(action);
      case "babble":
        return this.#at(action.at)?.send(rubbish[action.text], "whole");
      case "annoy":
        return this.#annoy(action);
      case "socket":
        return this.#socket(action);
      case "pass":
        return this.#pass(action.ms);
      case "turn":
        for (let i = 0; i < action.turns; i++) await turn();
        return;
      case "settle":
        this.#control.ping();
        return this.#settle(this.#peers.filter(({ paused }) => !paused));
    }
  }

  async #open({ greeting, delivery }: Action & { do: "open" }): Promise<void> {
    const open = this.#peers.filter(({ conversation }) => conversation.open);
    if (open.length >= MAX_OPEN) {
      const [oldest] = open;
      if (oldest !== undefined) oldest.conversation.ends.self = true;
      oldest?.line.destroy();
    }
    const peer = await Peer.on(this.#house.open, this.#ledger, () => this.#takeovers);
    this.#peers.push(peer);
    if (greeting === undefined) return;
    const lore = this.#lore(peer, greeting.as);
    if (greeting.resumption !== undefined) {
      // What is held back may come too late.
      peer.conversation.mustResume = delivery !== "held" && this.#mustResume(peer, greeting);
      this.#takeovers = true;
    }
    const message = { arcp: "1.1", id: this.#newId(peer), ...opening(greeting, lore) };
    peer.send(JSON.stringify(message), delivery);
  }

  /** Whether a resume has to succeed: that is sure where nothing is forgotten and nothing else is under way. */
  #mustResume(peer: Peer, { as, resumption }: Greeting): boolean {
    const { conversation } = peer;
    const others = this.#peers.filter((other) => other !== peer);
    const calm = others.every(
      ({ conversation: other, paused }) => other.isDecided && !(paused && other.open),
    );
    this.#raced ||= !calm;
    if (this.#raced || this.#house.name !== "roomy" || resumption === undefined) return false;
    const { of, nth, token, position, names } = resumption;
    const known = this.#lore(peer, as).session(of, nth);
    const right = of === "own" && token === "newest" && position === "last" && names !== "other";
    const early = this.#house.clock.monotonic() - this.#begun < WINDOW;
    return right && early && known?.principal === as && conversation.session === undefined;
  }

  #send({ at, request, id, session, edits, delivery }: Action & { do: "send" }): void {
    const peer = this.#at(at);
    if (peer === undefined) return;
    const { conversation } = peer;
    const as = request.verb === "open" ? request.greeting.as : "none";
    const lore = this.#lore(peer, as);
    if (request.verb === "open") {
      this.#takeovers = true;
      this.#raced = true;
    }
    // Of two resumes with one id nobody could tell which one was answered.
    const repeats = id === "repeated" && request.verb !== "open" && peer.lastId !== "";
    const own = repeats ? peer.lastId : this.#newId(peer);
    if (request.verb === "open") peer.lastId = "";
    const session_id = {
      own: conversation.session?.id,
      absent: undefined,
      other: lore.session("own", 1)?.id ?? "sess_other",
      odd: "",
    }[session];
    const message = {
      arcp: "1.1",
      ...(id !== "none" && { id: own }),
      session_id,
      ...said(request, own, lore),
    };
    peer.send(edited(message, edits).toWellFormed(), delivery);
  }

  #annoy({ at, with: nuisance }: Action & { do: "annoy" }): void {
    const peer = this.#at(at);
    if (!peer?.line.annoy(nuisance)) return;
    const { conversation } = peer;
    conversation.frames.push(`> ${nuisance}`);
    if (nuisance === "torn") conversation.ends.torn = true;
    else if (nuisance !== "socket ping") {
      for (const code of CODES[nuisance]) conversation.ends.codes.add(code);
    }
  }

  #socket({ at, how }: Action & { do: "socket" }): void {
    const peer = this.#at(at);
    if (peer === undefined) return;
    const { line, conversation } = peer;
    conversation.frames.push(`> (${how})`);
    if (how === "pause") {
      peer.paused = true;
      // A runtime that wants to part cannot wait for ever.
      conversation.ends.stalled = true;
      line.pause();
    } else if (how === "go on") {
      peer.paused = false;
      line.goOn();
    } else {
      conversation.ends.self = true;
      if (how === "destroy") line.destroy();
      else if (how === "close") line.close();
      else line.halfClose();
    }
  }

  #at(back: number): Peer | undefined {
    const open = this.#peers.filter(({ conversation }) => conversation.open);
    return open.at(-1 - (back % Math.max(1, open.length)));
  }

  #newId(peer: Peer): string {
    peer.lastId = `req_${++this.#ids}`;
    return peer.lastId;
  }

  #lore({ conversation }: Peer, as: string): Lore {
    const ledger = this.#ledger;
    const principal = conversation.principal ?? (as === "slow" ? "alice" : as);
    const other = principal === "bob" ? "alice" : "bob";
    const back = <T>(list: readonly T[], nth: number) =>
      list.at(-1 - (nth % Math.max(1, list.length)));
    return {
      principal,
      here: conversation.session,
      cursor: conversation.cursor,
      session: (of, nth) => back(ledger.sessionsOf(of === "own" ? principal : other), nth),
      job({ of, nth }: JobChoice): string {
        if (of === "odd") return "../../etc/passwd\n";
        const known = of === "unknown" ? [] : ledger.jobsOf(of === "own" ? principal : other);
        return back(known, nth) ?? "job_01KB3A2Z00000000000000000";
      },
    };
  }

  #check(): void {
    for (const { breach } of [...this.#peers, this.#control])
      if (breach !== undefined) throw breach;
    const errors = this.#house.errors();
    if (errors.length > 0) throw new Breach("the log", errors.join("\n"));
  }

  /** Waits until these have all that they are owed, and the one who does nothing wrong too. */
  async #settle(peers: readonly Peer[]): Promise<void> {
    const due = (): string[] => [
      ...peers.flatMap(({ conversation }) => conversation.waitsFor ?? []),
      ...[this.#control.waitsFor].flatMap((what) =>
        what === undefined ? [] : [`the control client: ${what}`],
      ),
    ];
    for (const { line } of peers) line.flush();
    await this.#until(
      () => due().length === 0,
      () => due().join("; "),
    );
  }

  /** No connection stays open whose session is gone: its client would wait for ever. */
  async #seekAstray(): Promise<void> {
    const { sessions } = this.#house.runtime;
    const astray = () =>
      this.#peers.flatMap(({ conversation: { open, session } }) =>
        open && session && !sessions.get(session.id)?.connected ? session.id : [],
      );
    await this.#until(
      () => astray().length === 0,
      () => `the end of connections whose sessions are gone: ${astray()}`,
    );
  }

  /** Every client that is there learns how its jobs have ended (R-7.3-3). */
  async #hearEnds(): Promise<void> {
    const ended: Array<readonly [job: string, session: string]> = [];
    for await (const { id, session, finishedAt } of this.#house.runtime.jobs.list()) {
      if (finishedAt !== undefined) ended.push([id, session]);
    }
    const unheard = () =>
      ended.filter(([job, id]) => {
        const session = this.#ledger.sessions.get(id);
        const connected = this.#peers.some(
          ({ conversation }) => conversation.open && conversation.session === session,
        );
        return session && connected && !session.skipped && !session.sawEnd(job);
      });
    await this.#until(
      () => unheard().length === 0,
      () => `the end of ${unheard().map(([job]) => job)}`,
    );
  }

  /** Time does not pass faster than the network: what falls due gets its turn. */
  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.#house.clock.advance(Math.min(left, 1_000));
      for (let i = 0; i < 4; i++) await turn();
    }
  }

  /**
   * Time passes slowly while nothing else happens. It is counted in turns of the event loop and answers of the store, and so is
   * patience: a busy machine or a slow disk uses up none of it.
   */
  async #until(condition: () => boolean, told: () => string): Promise<void> {
    const { clock, store } = this.#house;
    const deadline = clock.monotonic() + this.#patience;
    for (let rounds = 1; ; rounds++) {
      this.#check();
      if (condition()) return;
      if (clock.monotonic() > deadline) {
        throw new Breach("R-5.4-4", `waits in vain for ${told()}, for ${rounds} turns`);
      }
      if (rounds % 50 === 0) {
        await store.sessions.findByToken("of nobody");
        clock.advance(100);
      }
      if (rounds % 5 === 0) await pause(1);
      else await turn();
    }
  }

  #sum(): Played {
    const conversations = this.#peers.map(({ conversation }) => conversation);
    const total = (count: (peer: Peer) => number) =>
      this.#peers.reduce((sum, peer) => sum + count(peer), 0);
    const sessions = [...this.#ledger.sessions.values()];
    return {
      frames: conversations.reduce((sum, { frames }) => sum + frames.length, 0),
      answered: total(({ conversation }) => conversation.answers.answered),
      sessions: sessions.length,
      resumes: sessions.reduce((sum, { resumes }) => sum + resumes, 0),
      jobs: this.#ledger.jobs.size,
      events: sessions.reduce((sum, { last }) => sum + last, 0),
    };
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
