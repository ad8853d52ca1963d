interface Entry {
  readonly name: string;
  size: number;
  index: number;
}

/** Names with sizes, of which one always knows the largest: an indexed binary heap. Of equals, the lower name comes first. */
export class Largest<Name extends string> {
  readonly #heap: Entry[] = [];
  readonly #entries = new Map<string, Entry>();

  /** The name with the largest size; undefined when there is none. */
  get first(): Name | undefined {
    return this.#heap[0]?.name as Name | undefined;
  }

  set(name: Name, size: number): void {
    const known = this.#entries.get(name);
    if (known?.size === size) return;
    const entry = known ?? { name, size, index: this.#heap.length };
    if (known === undefined) {
      this.#entries.set(name, entry);
      this.#heap.push(entry);
    }
    entry.size = size;
    this.#settle(entry);
  }

  delete(name: Name): void {
    const entry = this.#entries.get(name);
    const last = this.#heap.pop();
    if (entry === undefined || last === undefined) {
      if (last !== undefined) this.#heap.push(last);
      return;
    }
    this.#entries.delete(name);
    if (last === entry) return;
    this.#place(last, entry.index);
    this.#settle(last);
  }

  #settle(entry: Entry): void {
    for (;;) {
      const parent = this.#heap[(entry.index - 1) >> 1];
      if (entry.index === 0 || parent === undefined || !precedes(entry, parent)) break;
      this.#swap(entry, parent);
    }
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      const right = this.#heap[2 * entry.index + 2];
      const child = left && right && precedes(right, left) ? right : left;
      if (child === undefined || !precedes(child, entry)) break;
      this.#swap(child, entry);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const { index } = a;
    this.#place(a, b.index);
    this.#place(b, index);
  }

  #place(entry: Entry, index: number): void {
    entry.index = index;
    this.#heap[index] = entry;
  }
}

function precedes(a: Entry, b: Entry): boolean {
  return a.size > b.size || (a.size === b.size && a.name < b.name);
}
