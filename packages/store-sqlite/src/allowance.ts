/** Limits how much may be evicted. The last evicted record may exceed it. */
export class Allowance {
  #records: number;
  #characters: number;

  constructor(records: number, characters: number) {
    this.#records = records;
    this.#characters = characters;
  }

  get isLeft(): boolean {
    return this.#records > 0 && this.#characters > 0;
  }

  /** Deducts an evicted record of so many characters. */
  spend(characters: number): void {
    this.#records -= 1;
    this.#characters -= characters;
  }
}
