import type { JobId } from "@arcp/core";

/** Where a job stands in every listing. */
export interface Place {
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly id: JobId;
}

/** Compares in the order of listings: by time of acceptance, then by id. @returns below 0, 0 or above, as `sort` expects */
export function comparePlaces(a: Place, b: Place): number {
  return a.acceptedAt - b.acceptedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/**
 * Jobs in the order of their acceptance. They arrive nearly in this order and the oldest are usually removed first, so both ends
 * are cheap, and a page is found by binary search.
 */
export class AcceptanceOrder {
  #places: Place[] = [];
  /** Removed places at the front, which stay until it is worth compacting the array. */
  #gone = 0;

  get isEmpty(): boolean {
    return this.#gone === this.#places.length;
  }

  add(place: Place): void {
    const last = this.#places.at(-1);
    if (last === undefined || comparePlaces(last, place) < 0) this.#places.push(place);
    else this.#places.splice(this.#behind(place), 0, place);
  }

  remove(place: Place): void {
    const oldest = this.#places[this.#gone];
    if (oldest !== undefined && comparePlaces(oldest, place) === 0) this.#gone += 1;
    else this.#removeWithin(place);
    if (this.#gone * 2 <= this.#places.length) return;
    this.#places = this.#places.slice(this.#gone);
    this.#gone = 0;
  }

  /** The places after this one, or all of them. The order must not be changed during the iteration. */
  *from(after: Place | undefined): Generator<Place> {
    let index = after === undefined ? this.#gone : this.#behind(after);
    for (let place = this.#places[index]; place !== undefined; place = this.#places[++index]) {
      yield place;
    }
  }

  #removeWithin(place: Place): void {
    const index = this.#behind(place) - 1;
    const found = this.#places[index];
    if (index < this.#gone || found === undefined || comparePlaces(found, place) !== 0) return;
    this.#places.splice(index, 1);
  }

  /** The index of the first place after this one. */
  #behind(place: Place): number {
    let low = this.#gone;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = this.#places[middle];
      if (found !== undefined && comparePlaces(found, place) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
