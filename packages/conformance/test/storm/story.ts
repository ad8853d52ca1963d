const ID = /\b[a-z]+_[0-9A-Z]{26}\b/g;
/** Characters of a line, beyond which it tells nothing more. */
const LONGEST = 300;

/** What was done and what came of it, line by line, with short names in the place of ids. */
export class Story {
  readonly #lines: string[] = [];
  readonly #names = new Map<string, string>();

  tell(line: string): void {
    this.#lines.push(this.named(line).slice(0, LONGEST));
  }

  named(text: string): string {
    return text.replace(ID, (id) => {
      const known = this.#names.get(id) ?? `${id.split("_")[0]}_${this.#names.size}`;
      this.#names.set(id, known);
      return known;
    });
  }

  get text(): string {
    return this.#lines.join("\n");
  }
}
