import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { SyncedFile } from "../src/wal-file.ts";
import { Crash } from "./crashing-database.ts";

/**
 * The disk below a database, which keeps what it was told to sync: a power loss leaves what the system held when the
 * last completed sync began. A real disk may keep more than that, and of the rest a part.
 */
export class PoweredFile implements SyncedFile {
  readonly #place: string;
  #kept: ReadonlyMap<string, Buffer>;
  #lost = false;
  #broken = false;
  #told = false;

  constructor(place: string) {
    this.#place = place;
    this.#kept = this.#held();
  }

  async sync(): Promise<void> {
    const held = this.#held();
    await turn();
    await turn();
    if (this.#lost) throw new Crash();
    if (!this.#broken) this.#kept = held;
    else if (!this.#told) {
      this.#told = true;
      throw new Error("EIO: i/o error, fdatasync");
    }
  }

  /** Whether it no longer accepts anything. */
  get isBroken(): boolean {
    return this.#broken;
  }

  /**
   * From now on it takes nothing more. One sync reports it, and later ones do not: the system takes for written what it
   * tried to write.
   */
  break(): void {
    this.#broken = true;
  }

  /** @param image where to put what is left of the database */
  losePower(image: string): void {
    this.#lost = true;
    for (const [part, content] of this.#kept) writeFileSync(image + part, content);
  }

  close(): void {}

  #held(): Map<string, Buffer> {
    const parts = ["", "-wal"].filter((part) => existsSync(this.#place + part));
    return new Map(parts.map((part) => [part, readFileSync(this.#place + part)]));
  }
}
