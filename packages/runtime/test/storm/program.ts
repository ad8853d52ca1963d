import { Random } from "../chance/random.ts";
import { ODDITIES } from "./pieces.ts";

/** Exact decimal text by currency. */
export type Amounts = Readonly<Record<string, string>>;

type Do =
  | { readonly op: "say"; readonly n: number; readonly size: number }
  | { readonly op: "cost"; readonly unit: string; readonly amount: string }
  | { readonly op: "call"; readonly tool: string; readonly n: number }
  | {
      readonly op: "model";
      readonly reserve: number;
      readonly used: number;
      readonly reports: number;
      readonly how: "ok" | "throw" | "unknown" | "slow";
    }
  | {
      readonly op: "reserve";
      readonly amounts: Amounts;
      readonly actual?: Amounts;
      readonly next: "settle" | "settle, settle" | "release" | "release, settle" | "leave";
      readonly turns: number;
    }
  | ({
      readonly op: "delegate";
      readonly next: "result" | "cancel" | "nothing" | "cancel, result";
      readonly turns: number;
    } & Order)
  | {
      readonly op: "write";
      readonly kind: "text" | "bytes";
      readonly size: number;
      readonly seed: number;
      /** Whether it ends within a surrogate pair. */
      readonly isCut: boolean;
      readonly isSecret: boolean;
    }
  | { readonly op: "leak"; readonly where: string }
  | { readonly op: "pause"; readonly turns: number }
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "linger"; readonly n: number }
  | {
      readonly op: "flood" | "checkpoint" | "flush" | "progress" | "stop" | "authorize" | "refuse";
    };

/** What an agent does, and how it reacts to the outcome. */
export type Op = Do & {
  readonly isAwaited: boolean;
  /** Whether the agent ends by what it throws. */
  readonly isFatal: boolean;
  /** Which unusual result the agent returns, if this is the last thing that it does. */
  readonly result?: number;
};

/** What one agent does, in order. */
export type Script = readonly Op[];

/** A job as it is requested. */
export interface Order {
  readonly agent: string;
  readonly script: Script;
  readonly budget?: Amounts;
  readonly maxRuntimeSec?: number;
  /** Milliseconds. */
  readonly expiresIn?: number;
}

/** What a client, the world's clock, and fate do. */
export type Step =
  | ({ readonly do: "submit"; readonly key?: number } & Order)
  | { readonly do: "repeat" | "cancel" | "rotate"; readonly which: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "turns" | "drop"; readonly n: number }
  | { readonly do: "crash" };

/** A storm. Odds are in percent. */
export interface Program {
  /** The seed of everything random. */
  readonly seed: number;
  readonly late: number;
  readonly failing: number;
  readonly upstream?: {
    readonly slow: number;
    readonly fails: number;
    readonly hangs: number;
    readonly late: number;
  };
  readonly endsAtExhaustion: boolean;
  readonly endsAtExpiry: boolean;
  readonly cancelsOrphans: boolean;
  readonly showsErrorDetails: boolean;
  /** Whether somebody is told of each cost. */
  readonly isObserved: boolean;
  readonly steps: readonly Step[];
}

const TOOLS = ["ok", "slow", "fails", "spends", "nobody", "denied"] as const;
const SUMS = ["0", "0.01", "0.1", "0.3", "1", "2.5", "0.000000000000000001", "7"] as const;
const SIZES = [0, 1, 2, 3, 10, 1000, 65_535, 65_536, 65_537, 131_072, 200_000] as const;
const LEAKS = ["log", "end of a text", "phase", "call", "checkpoint", "input", "error"] as const;

export function aProgram(seed: number): Program {
  return new Dice(seed).program();
}

class Dice extends Random {
  readonly #seed: number;

  constructor(seed: number) {
    super(seed);
    this.#seed = seed;
  }

  program(): Program {
    const steps = Array.from({ length: 5 + this.below(30) }, (_, i) => this.#step(i === 0));
    const some = (percent: number, most: number) => (this.hits(percent) ? this.below(most) : 0);
    return {
      seed: this.#seed,
      late: some(60, 60),
      failing: some(20, 15),
      ...(this.hits(50) && {
        upstream: {
          slow: this.below(60),
          fails: some(40, 30),
          hangs: some(40, 15),
          late: some(30, 20),
        },
      }),
      endsAtExhaustion: this.hits(25),
      endsAtExpiry: this.hits(80),
      isObserved: this.hits(80),
      cancelsOrphans: this.hits(25),
      showsErrorDetails: this.hits(25),
      steps,
    };
  }

  #step(isFirst: boolean): Step {
    const which = this.below(100);
    const n = this.below(15);
    const what = isFirst ? 0 : this.below(100);
    if (what < 36) {
      const key = this.hits(25) ? { key: this.below(5) } : {};
      return { do: "submit", ...this.#order(0), ...key };
    }
    if (what < 39) return { do: "repeat", which };
    if (what < 49) return { do: "cancel", which };
    if (what < 63) return { do: "pass", ms: this.#one([1, 50, 200, 1000, 2100]) };
    if (what < 87) return { do: "turns", n };
    if (what < 91) return { do: "drop", n: n % 5 };
    return what < 94 ? { do: "crash" } : { do: "rotate", which };
  }

  #order(depth: number): Order {
    return {
      agent: this.hits(depth === 0 ? 50 : 90) ? "storm" : "hardy",
      script: this.#script(depth),
      ...(this.hits(70) && { budget: depth === 0 ? { USD: "5", EUR: "3" } : this.#amounts() }),
      ...(this.hits(12) && { maxRuntimeSec: 1 + this.below(2) }),
      ...(this.hits(12) && { expiresIn: 300 + this.below(4000) }),
    };
  }

  #script(depth: number): Script {
    const streams = this.hits(30);
    const kind = this.#one(["text", "bytes"] as const);
    return Array.from({ length: this.below(depth === 0 ? 9 : 6) }, () => ({
      ...(streams && this.hits(40) ? this.#write(kind) : this.#do(depth)),
      isAwaited: this.hits(60),
      isFatal: this.hits(8),
      ...(this.hits(30) && { result: this.below(ODDITIES) }),
    }));
  }

  #write(kind: "text" | "bytes"): Do {
    const size = this.hits(2) ? 3 * 1024 * 1024 : this.#one(SIZES);
    const seed = this.below(1000);
    return { op: "write", kind, size, seed, isCut: this.hits(50), isSecret: this.hits(15) };
  }

  #do(depth: number): Do {
    const what = this.below(100);
    const [n, turns] = [1 + this.below(4), this.below(7)];
    if (what < 12) return { op: "say", n, size: this.hits(5) ? 60_000 : this.below(40) };
    if (what < 13) return { op: "flood" };
    if (what < 23) return { op: "cost", unit: this.#unit(true), amount: this.#one(SUMS) };
    if (what < 36) return { op: "call", tool: this.#one(TOOLS), n };
    if (what < 44) return this.#model();
    if (what < 53) return this.#reserve(turns);
    if (what < 68 && depth < 3) {
      const next = this.#one(["result", "cancel", "nothing", "cancel, result"] as const);
      return { op: "delegate", ...this.#order(depth + 1), next, turns };
    }
    if (what < 72) return { op: "leak", where: this.#one(LEAKS) };
    if (what < 86) return { op: this.#one(["checkpoint", "flush", "progress", "authorize"]) };
    if (what < 90) return { op: "pause", turns };
    if (what < 94) return { op: "sleep", ms: this.below(1500) };
    return what < 97 ? { op: "linger", n } : { op: this.#one(["stop", "refuse"]) };
  }

  #model(): Do {
    const [reserve, used, reports] = [this.below(3), this.below(3), this.below(3)];
    const how = this.#one(["ok", "throw", "unknown", "slow"] as const);
    return { op: "model", reserve, used, reports, how };
  }

  #reserve(turns: number): Do {
    const ends = ["settle", "settle, settle", "release", "release, settle", "leave"] as const;
    const next = this.#one(ends);
    const actual = this.hits(50) ? { actual: this.#amounts() } : {};
    return { op: "reserve", amounts: this.#amounts(), ...actual, next, turns };
  }

  #amounts(): Amounts {
    return { [this.#unit()]: this.#one(SUMS), [this.#unit()]: this.#one(SUMS) };
  }

  /** @param any also a currency that nobody budgets */
  #unit(any = false): string {
    return this.#one(any ? ["USD", "EUR", "GBP"] : ["USD", "EUR"]);
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}
