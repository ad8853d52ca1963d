import type { Decoded, Payload } from "@arcp/core";

type Subscribed = Payload<"job.subscribed">;

interface Held {
  readonly decoded: Decoded;
  readonly size: number;
  readonly seq: number;
}

/** A history that comes before its subscription is acknowledged, as some runtimes send it, and is wanted behind that. */
export class EarlyHistory {
  readonly #bound: number;
  #held: Held[] = [];
  #size = 0;
  #isTruncated = false;

  /** @param bound characters of the frames that are kept; of more, the latest */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** @param seq its `event_seq` */
  take(decoded: Decoded, size: number, seq: number): void {
    this.#held.push({ decoded, size, seq });
    this.#size += size;
    while (this.#size > this.#bound && this.#held.length > 1) {
      this.#size -= this.#held.shift()?.size ?? 0;
      this.#isTruncated = true;
    }
  }

  /** It comes again, from its beginning. */
  restart(): void {
    this.#held = [];
    this.#size = 0;
    this.#isTruncated = false;
  }

  /**
   * The acknowledgement as if it had come first.
   *
   * @param position the session's number by now
   */
  precede(subscribed: Subscribed, position: number): Subscribed {
    const [first] = this.#held;
    return {
      ...subscribed,
      subscribed_from: first === undefined ? position : first.seq - 1,
      ...(this.#isTruncated && { truncated: true }),
    };
  }

  /** Hands it on, once. */
  release(deliver: (decoded: Decoded, size: number) => void): void {
    const held = this.#held;
    this.restart();
    for (const { decoded, size } of held) deliver(decoded, size);
  }
}
