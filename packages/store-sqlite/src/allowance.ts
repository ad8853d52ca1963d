/** How much may be evicted. The last record that is evicted may exceed it. */
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

  /** A record with so many characters was evicted. */
  spend(characters: number): void {
    this.#records -= 1;
    this.#characters -= characters;
  }
}
