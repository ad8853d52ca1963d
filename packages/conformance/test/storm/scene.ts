import { Random } from "../chaos/random.ts";
import { Guest } from "./guest.ts";
import { House, WINDOW_SEC } from "./house.ts";
import { Story } from "./story.ts";
import type { Weather } from "./weather.ts";

const BASE = ["subscribe", "agent_versions", "list_jobs"];
const OPTIONAL = ["progress", "result_chunk", "ack"];

/** Everybody who takes part in one program. */
export class Scene {
  readonly house: House;
  readonly story = new Story();
  readonly guests: Guest[] = [];
  /** All that anybody was told of. */
  readonly jobs = new Set<string>();
  readonly tally = { crashes: 0, resumes: 0, translations: 0 };
  readonly #weather: Weather;

  constructor(weather: Weather, seed: number) {
    this.#weather = weather;
    this.house = new House(weather, new Random(seed ^ 0x57_0e_11));
  }

  /** Those of whose sessions something is expected. */
  get present(): Guest[] {
    return this.guests.filter(({ isGone }) => !isGone);
  }

  get connected(): Guest[] {
    return this.present.filter(({ isConnected }) => isConnected);
  }

  get hasTrouble(): boolean {
    return this.#weather.trouble > 0;
  }

  /** Whether no resume has an excuse to fail. */
  get isClear(): boolean {
    return !this.hasTrouble && !this.trims;
  }

  get trims(): boolean {
    return this.#weather.kept !== undefined;
  }

  async invite(random: Random): Promise<void> {
    const isBob = random.chance(0.25);
    const features = [...BASE, ...OPTIONAL.filter(() => random.chance(0.5))];
    const name = `${isBob ? "bob" : "alice"}${this.guests.length}`;
    const token = isBob ? "other" : "secret";
    const guest = new Guest(this.house, this.story, { name, token, features, trims: this.trims });
    this.story.tell(`${name} comes with ${features}`);
    this.guests.push(guest);
    await guest.open();
  }

  async resume(guest: Guest, random: Random): Promise<void> {
    this.tally.resumes += 1;
    await guest.resume(random, this.isClear);
  }

  async crash(): Promise<void> {
    this.tally.crashes += 1;
    this.story.tell("the process dies");
    for (const guest of this.guests) guest.leave();
    this.house.trouble(false);
    await this.house.crash();
    if (!this.hasTrouble) return;
    // What a process cannot read when it begins is not what this is about.
    await this.house.settle(120);
    this.house.trouble(true);
  }

  /**
   * Whoever is not there now is waited for no longer.
   * @param turns that what comes of it has for the moment
   */
  async endWindows(turns: number): Promise<void> {
    this.story.tell("windows end");
    await this.house.settle();
    this.note();
    for (const guest of this.present) if (!guest.isConnected) guest.isGone = true;
    this.house.clock.advance((WINDOW_SEC + 1) * 1000);
    await this.house.settle(turns);
  }

  /** Looks at all that came, and lets go of connections that ended. */
  note(): void {
    for (const guest of this.guests) {
      guest.note();
      for (const job of guest.account.owned) this.jobs.add(job);
      if (!guest.isConnected) guest.leave();
    }
  }

  /** Lets everything happen that is under way. */
  async calm(): Promise<void> {
    for (let i = 0; i < 12; i++) {
      await this.house.settle();
      this.house.clock.advance(50);
    }
    this.note();
  }
}
