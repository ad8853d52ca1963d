import { settled } from "../held-store.ts";
import type { Random } from "./random.ts";

type Call = (...given: never[]) => Promise<unknown>;

/** The calls of a part of a store, such as `logs`, by name. */
type Calls<T> = { [Name in keyof T]: T[Name] extends Call ? Name : never }[keyof T] & string;

/** Bad luck for stores: answers are late, and calls fail before or after they take effect. */
export class Trouble {
  readonly #random: Random;
  readonly #percent: number;
  #over = false;

  /** @param percent of the calls that fail */
  constructor(random: Random, percent: number) {
    this.#random = random;
    this.#percent = percent;
  }

  /**
   * From now on these calls are affected.
   * @param concerns whether a call with these arguments may fail; its answer may be late in any case
   */
  meets<T extends object, Name extends Calls<T>>(
    part: T,
    name: Name,
    concerns: (...given: Parameters<Extract<T[Name], Call>>) => boolean = () => true,
  ): void {
    const call = Reflect.get(part, name) as (...given: unknown[]) => Promise<unknown>;
    Reflect.set(part, name, async (...given: Parameters<Extract<T[Name], Call>>) => {
      const fails = !this.#over && concerns(...given) && this.#random.hits(this.#percent);
      const isDone = !fails || this.#random.hits(50);
      // At once, since stores carry out calls in order.
      const outcome = isDone ? call.apply(part, given) : undefined;
      if (this.#random.hits(30)) await settled(1 + this.#random.below(8));
      if (!fails) return outcome;
      await outcome;
      throw new Error(isDone ? `${name} failed when it was done` : `${name} failed`);
    });
  }

  /** Nothing fails any more. */
  end(): void {
    this.#over = true;
  }
}
