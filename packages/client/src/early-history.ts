import type { Decoded } from "@arcp/core";

/** A history that comes before its subscription is acknowledged, as some runtimes send it, and is wanted behind that. */
export class EarlyHistory {
  readonly #bound: number;
  #frames: { readonly decoded: Decoded; readonly size: number; readonly seq: number }[] = [];
  #size = 0;
  #isTruncated = false;

  /** @param bound characters of the frames that are kept */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** Whether there was more than is kept. */
  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** The `event_seq` behind which it begins; undefined when there is none. */
  get since(): number | undefined {
    const first = this.#frames[0];
    return first && first.seq - 1;
  }

  take(decoded: Decoded, size: number, seq: number): void {
    this.#frames.push({ decoded, size, seq });
    this.#size += size;
    while (this.#size > this.#bound && this.#frames.length > 1) {
      this.#size -= this.#frames.shift()?.size ?? 0;
      this.#isTruncated = true;
    }
  }

  /** It comes again, from its beginning. */
  restart(): void {
    this.#frames = [];
    this.#size = 0;
    this.#isTruncated = false;
  }

  /** Hands it on, once. */
  release(deliver: (decoded: Decoded, size: number) => void): void {
    const frames = this.#frames;
    this.restart();
    for (const { decoded, size } of frames) deliver(decoded, size);
  }
}
