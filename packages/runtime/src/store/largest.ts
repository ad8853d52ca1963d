/** An entry, ordered by size. Among equal sizes, the lower name comes first. */
export interface Sized {
  readonly name: string;
  /** The size that it is ranked by. Changed only by {@link Largest.set}. */
  size: number;
  /** Its index in the heap, maintained by the heap; undefined while it is not in it. */
  place: number | undefined;
}

/** A priority queue that knows its largest entry: a binary heap whose entries know their index. */
export class Largest<Entry extends Sized> {
  readonly #heap: Entry[] = [];

  /** The entry with the largest size; undefined if there is none. */
  get first(): Entry | undefined {
    return this.#heap[0];
  }

  /** Adds an entry, or updates its size. */
  set(entry: Entry, size: number): void {
    if (entry.place === undefined) this.#put(entry, this.#heap.length);
    else if (entry.size === size) return;
    entry.size = size;
    this.#settle(entry);
  }

  delete(entry: Entry): void {
    const { place } = entry;
    if (place === undefined) return;
    entry.place = undefined;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    this.#put(last, place);
    this.#settle(last);
  }

  #settle(entry: Entry): void {
    for (let place = entry.place ?? 0; place > 0; ) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !precedes(entry, parent)) break;
      this.#put(parent, place);
      this.#put(entry, above);
      place = above;
    }
    for (let place = entry.place ?? 0; ; ) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = left && right && precedes(right, left) ? right : left;
      if (child?.place === undefined || !precedes(child, entry)) break;
      const below = child.place;
      this.#put(child, place);
      this.#put(entry, below);
      place = below;
    }
  }

  #put(entry: Entry, place: number): void {
    entry.place = place;
    this.#heap[place] = entry;
  }
}

function precedes(a: Sized, b: Sized): boolean {
  return a.size > b.size || (a.size === b.size && a.name < b.name);
}
