import { pino } from "pino";
import type { Runtime } from "../../src/runtime.ts";
import { FakeUpstream } from "../fake-upstream.ts";
import { settled } from "../held-store.ts";
import { hosts } from "../hosts.ts";
import { crashAgents } from "./crash-agents.ts";
import { CrashClient } from "./crash-client.ts";
import { MortalStore } from "./mortal-store.ts";

/** How processes die. */
export interface Fate {
  /** Changes of the store that the first process makes before it dies. */
  readonly first: number;
  /** Those that the next one makes; default: it lives. */
  readonly second?: number;
  /** Numbered frames that clients received but had not handled when they come back. */
  readonly unhandled?: number;
  /** Turns of the event loop that each answer of the store takes. */
  readonly lag: number;
  /** Whether the store has no transactions. */
  readonly apart: boolean;
}

/** What clients do while the first process lives. */
export type Deeds = (house: CrashHouse) => Promise<void>;

const LEASE = { "agent.delegate": ["speaks", "waits"], "cost.budget": ["USD:4"] };

/** Rounds of turns after which everything has completed, or died. */
const PATIENCE = 500;

/** Consecutive runtimes on one store, their clients, and the upstream of their credentials. */
export class CrashHouse {
  readonly upstream = new FakeUpstream();
  readonly clients: CrashClient[] = [];
  readonly rig;
  readonly #store: MortalStore;
  readonly #fate: Fate;
  #lives = 1;
  /** No agent waits any more. */
  #isOver = false;
  runtime: Runtime;

  constructor(fate: Fate) {
    this.#fate = fate;
    this.rig = hosts({
      provisioners: { llm: this.upstream },
      logger: pino({ level: "silent" }),
      agents: crashAgents({
        isOver: () => this.#isOver,
        rotate: (job) => this.runtime.credentials.rotate(job, "llm"),
      }),
    });
    this.#store = new MortalStore(this.rig.store, fate.apart);
    this.#store.begin(fate.first, fate.lag);
    this.runtime = this.rig.start();
  }

  /** Runs clients and processes until one process has come to rest. @returns whether the first one died */
  async play(deeds: Deeds): Promise<boolean> {
    const isDead = await this.#diesDuring(deeds(this).then(() => this.calm()));
    const { second = Number.POSITIVE_INFINITY } = this.#fate;
    if (await this.#restart(second)) await this.#restart(Number.POSITIVE_INFINITY);
    this.#store.spare();
    return isDead;
  }

  /** @returns whether that process died as well */
  async #restart(changes: number): Promise<boolean> {
    this.#lives += 1;
    this.#store.begin(changes, this.#fate.lag);
    this.runtime = this.rig.start();
    return await this.#diesDuring(this.#comeBack());
  }

  async #comeBack(): Promise<void> {
    const { unhandled = 0 } = this.#fate;
    for (const client of this.clients) await client.comeBack(this.runtime, unhandled);
    await this.calm();
    this.#isOver = true;
    await this.calm();
  }

  async #diesDuring(life: Promise<void>): Promise<boolean> {
    const died = this.#store.died.then(() => true);
    const isDead = await Promise.race([life.then(() => false), died, this.#patience()]);
    // What it had sent by then is in flight.
    await settled();
    for (const client of this.clients) client.note();
    return isDead;
  }

  async #patience(): Promise<never> {
    const lives = this.#lives;
    for (let i = 0; i < PATIENCE; i++) {
      await settled(10);
      if (lives !== this.#lives) return new Promise(() => {});
    }
    throw new Error("somebody waits for ever");
  }

  async client(): Promise<CrashClient> {
    const client = new CrashClient();
    this.clients.push(client);
    return client.hello(this.runtime);
  }

  submit(client: CrashClient, agent: string, rest: object = {}) {
    return client.answered("job.submit", { agent, input: null, lease_request: LEASE, ...rest });
  }

  /** Lets everything in flight complete. The requests of a dead process get no further. */
  async calm(seconds = 50): Promise<void> {
    const lives = this.#lives;
    for (let passed = 0; passed < seconds; passed += 5) {
      await settled(10 + 5 * this.#fate.lag);
      if (lives !== this.#lives) return new Promise(() => {});
      this.rig.clock.advance(5000);
    }
    await settled(10 + 5 * this.#fate.lag);
  }
}
