import { ArcpError, type ManualClock, sleep } from "@arcp/core";
import type { CredentialOrder, Provisioner } from "../../src/authority/provisioner.ts";
import type { CredentialStore } from "../../src/store/index.ts";
import type { Random } from "../chance/random.ts";
import { settled } from "../held-store.ts";
import type { Program } from "./program.ts";
import type { World } from "./world.ts";

export interface StormUpstreamOptions {
  readonly world: World;
  readonly luck: Random;
  readonly clock: ManualClock;
  /** In percent. */
  readonly odds: NonNullable<Program["upstream"]>;
  readonly orders: CredentialStore;
  /** Whether everything goes well by now. */
  readonly over: () => boolean;
}

/** An upstream that is slow, fails, and answers when nobody waits any more. */
export class StormUpstream implements Provisioner {
  /** By alias. */
  readonly alive = new Map<string, string>();
  readonly #options: StormUpstreamOptions;
  #made = 0;

  constructor(options: StormUpstreamOptions) {
    this.#options = options;
  }

  async issue({ alias }: CredentialOrder): Promise<{ value: string; endpoint: string }> {
    const { world, luck, clock, odds, orders } = this.#options;
    const rows = await orders.list();
    if (!rows.some((row) => row.alias === alias)) {
      world.breach("R-9.8-4", `${alias} is asked for and was not written down`);
    }
    if (luck.hits(odds.slow)) await settled(1 + luck.below(20));
    if (this.#hits(odds.fails)) {
      if (luck.hits(50)) throw new ArcpError("BUDGET_EXHAUSTED", "none left");
      throw new Error("the upstream failed");
    }
    const hangs = this.#hits(odds.hangs);
    if (hangs && luck.hits(50)) await sleep(clock, 3000);
    this.#made += 1;
    const value = `sk-${String(this.#made).padStart(6, "0")}abcdefgh.${"z".repeat(luck.below(40))}`;
    world.secrets.add(value);
    this.alive.set(alias, value);
    if (hangs) await sleep(clock, 2500);
    if (this.#hits(odds.late)) throw new Error(`made and not told: ${value}`);
    world.count("issued");
    return { value, endpoint: "https://llm.example/v1" };
  }

  async revoke(alias: string): Promise<boolean> {
    const { luck, odds } = this.#options;
    if (this.#hits(odds.slow)) await settled(1 + luck.below(20));
    if (this.#hits(odds.fails)) throw new Error("the upstream failed");
    return this.alive.delete(alias);
  }

  #hits(percent: number): boolean {
    return !this.#options.over() && this.#options.luck.hits(percent);
  }
}
