import { ManualClock } from "@arcp/core";
import { createRuntime, memoryStore, type Runtime, tokenTable } from "@arcp/runtime";
import type { Store } from "@arcp/runtime/store";
import type { Random } from "../chaos/random.ts";
import { durable, type Shelf, shelves } from "../shelf.ts";
import { recorder } from "../stage.ts";
import { Chronicle } from "./chronicle.ts";
import { agentsOf, type Run } from "./crew.ts";
import { groupingStore, type Trouble } from "./grouping-store.ts";
import { type Life, mortalStore } from "./mortal-store.ts";
import type { Weather } from "./weather.ts";

export const principals = { secret: "alice", other: "bob" } as const;

/** Seconds that a session waits for its client. */
export const WINDOW_SEC = 600;

const limits = {
  backPressureThreshold: 6,
  retentionSec: 900,
  resumeWindowSec: WINDOW_SEC,
  subscriptionsPerSession: 50,
};

/** One process after the other over the same store, with its time in the hand of the program. */
export class House {
  readonly clock = new ManualClock();
  readonly chronicle = new Chronicle();
  /** What the runtimes said, as JSON. */
  readonly logged: string[] = [];
  /** The runs of the process that lives. */
  runs = new Map<string, Run>();
  readonly #weather: Weather;
  readonly #trouble: Trouble;
  readonly #random: Random;
  readonly #memory: Store | undefined;
  readonly #shelf: Shelf | undefined;
  /** Of sqlite, which lie open until the end. */
  readonly #files: Store[] = [];
  #life: Life = { over: false };
  #store: Store;
  #runtime: Runtime;

  constructor(weather: Weather, random: Random) {
    this.#weather = weather;
    this.#random = random;
    this.#trouble = { percent: weather.trouble };
    if (weather.store === "memory") this.#memory = memoryStore(this.#kept);
    else this.#shelf = shelves.sqlite();
    this.#store = this.#open();
    this.#runtime = this.#start();
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  get store(): Store {
    return this.#store;
  }

  /** The process dies in the middle of whatever it does, and another one takes up what was durable. */
  async crash(): Promise<void> {
    this.#life.over = true;
    this.#life = { over: false };
    this.runs = new Map();
    this.#store = this.#open();
    await this.chronicle.catchUp(this.#store.logs);
    this.#runtime = this.#start();
  }

  /** Whether writes may fail from now on, as often as the weather has it. */
  trouble(isOn: boolean): void {
    this.#trouble.percent = isOn ? this.#weather.trouble : 0;
  }

  /** Lets every turn of the event loop that is already due go by; of many, what the disk has to do as well. */
  async settle(turns = 40): Promise<void> {
    for (let i = 1; i <= turns; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turns >= 40 && i % 5 === 0) await this.#written();
    }
  }

  /** Waits until something holds, for so many turns. @returns whether it does */
  async until(holds: () => boolean, turns: number): Promise<boolean> {
    for (let i = 0; i < turns && !holds(); i += 5) {
      await this.settle(5);
      await this.#written();
    }
    return holds();
  }

  /** @returns whether it came to an end */
  async close(): Promise<boolean> {
    let isClosed = false;
    void this.#runtime.close().then(() => {
      isClosed = true;
    });
    for (let i = 0; i < 200 && !isClosed; i++) {
      this.clock.advance(100);
      await this.settle(2);
    }
    if (!isClosed) await this.settle();
    await this.#letGo();
    return isClosed;
  }

  /** Leaves everything as it lies. */
  async abandon(): Promise<void> {
    this.#life.over = true;
    await this.#letGo();
  }

  get #kept() {
    const { kept } = this.#weather;
    return { logLimits: kept === undefined ? {} : { records: kept } };
  }

  #open(): Store {
    if (this.#memory !== undefined) {
      const followed = { ...this.#memory, logs: this.chronicle.following(this.#memory.logs) };
      const grouping = groupingStore(followed, this.#random, this.#trouble, this.#life);
      return mortalStore(grouping, this.#life);
    }
    const file = (this.#shelf as Shelf).open(this.#kept.logLimits);
    this.#files.push(file);
    const store = mortalStore(file, this.#life);
    // What a dead process went on to write is in a file that nobody reads.
    return { ...store, logs: this.chronicle.following(store.logs) };
  }

  #start(): Runtime {
    return createRuntime({
      agents: agentsOf(this.runs),
      auth: tokenTable(principals),
      policy: { mayObserve: () => true },
      store: this.#store,
      clock: this.clock,
      limits,
      logger: recorder(this.logged),
    });
  }

  async #written(): Promise<void> {
    if (this.#shelf !== undefined) await durable();
  }

  async #letGo(): Promise<void> {
    await Promise.allSettled(this.#files.map((file) => file.close()));
    this.#shelf?.[Symbol.dispose]();
  }
}
