import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defineAgent } from "@arcp/runtime";
import { Site } from "./site.ts";

const bin = fileURLToPath(new URL("../bin/arcp.js", import.meta.url));
const NUMBERS = 40;

/** What became of a round. */
export type Fate =
  | "killed before it was written down"
  | "come back to"
  | "over before it was killed";

/** Submits that are killed, now and then together with those who come back, until somebody sees the job's end. */
export class Killed implements AsyncDisposable {
  readonly #site: Site;
  /** How often the agent was started, by input. */
  readonly #starts = new Map<unknown, number>();

  private constructor(site: Site) {
    this.#site = site;
    site.runtime.agents.register(
      defineAgent({
        name: "slow",
        run: async (ctx, input) => {
          this.#starts.set(input, (this.#starts.get(input) ?? 0) + 1);
          for (let n = 1; n <= NUMBERS; n++) {
            await pause(5);
            await ctx.log.info(`${n}`);
          }
          return input;
        },
      }),
    );
  }

  static async open(): Promise<Killed> {
    return new Killed(await Site.open());
  }

  /**
   * @param round its job's input
   * @param random numbers from 0 to 1
   */
  async round(round: number, random: () => number): Promise<Fate> {
    // Mostly once it has written something down: until then it is only starting.
    const early = random() < 0.1;
    const start = early ? pause(random() * 500) : this.#begun();
    await this.#kill(["submit", "slow", String(round)], start, random() * 300);
    while (random() < 0.4) await this.#kill(["watch"], pause(300), random() * 500);
    const { code, out, err } = await this.#site.arcp("watch", "--json");
    const starts = this.#starts.get(round) ?? 0;
    if (code === 2) {
      assert.match(err, /no job that was submitted here is still to be shown/);
      return starts === 0 ? "killed before it was written down" : "over before it was killed";
    }
    assert.equal(code, 0, err);
    assert.equal(starts, 1);
    const objects = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const numbers = objects.filter(({ kind }) => kind === "log").map(({ body }) => body.message);
    assert.deepEqual(
      numbers,
      Array.from({ length: NUMBERS }, (_, index) => `${index + 1}`),
    );
    assert.equal(objects.at(-1).result, round);
    return "come back to";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#site[Symbol.asyncDispose]();
  }

  /** Resolves once one more submit is written down. */
  async #begun(): Promise<void> {
    const before = await this.#written();
    while ((await this.#written()) === before) await pause(2);
  }

  async #written(): Promise<number> {
    const base = join(this.#site.home, "state/arcp/submissions");
    return (await readdir(base).catch(() => [])).length;
  }

  async #kill(args: readonly string[], start: Promise<void>, ms: number): Promise<void> {
    const env = { ...process.env, ...this.#site.env };
    const child = spawn(process.execPath, [bin, ...args], { env, stdio: "ignore" });
    const exit = once(child, "exit");
    await Promise.race([start.then(() => pause(ms)), exit]);
    child.kill("SIGKILL");
    await exit;
  }
}
