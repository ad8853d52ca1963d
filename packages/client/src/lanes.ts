import type { Asked } from "./correlation.ts";

/** Queues, by name. In each of them only the first one goes on. */
export class Lanes<T extends { readonly lane: string | undefined }> {
  readonly #lanes = new Map<string, T[]>();

  /** Puts it at the end of its lane, if it has one. @returns whether it is its turn */
  join(item: T): boolean {
    if (item.lane === undefined) return true;
    const waiting = this.#lanes.get(item.lane);
    if (waiting === undefined) this.#lanes.set(item.lane, [item]);
    else waiting.push(item);
    return waiting === undefined;
  }

  isFirst(item: T): boolean {
    return item.lane === undefined || this.#lanes.get(item.lane)?.[0] === item;
  }

  /** @returns the one whose turn it is by that */
  leave(item: T): T | undefined {
    const waiting = item.lane === undefined ? undefined : this.#lanes.get(item.lane);
    if (item.lane === undefined || waiting === undefined) return undefined;
    const wasFirst = waiting[0] === item;
    const rest = waiting.filter((each) => each !== item);
    if (rest.length === 0) this.#lanes.delete(item.lane);
    else this.#lanes.set(item.lane, rest);
    return wasFirst ? rest[0] : undefined;
  }

  /** Nobody's turn comes any more. */
  clear(): void {
    this.#lanes.clear();
  }
}

/**
 * The lane of a request: answers to those of the same type about the same job, if it names any, could be mistaken for each
 * other (R-D-7).
 */
export function laneOf({ type, jobId }: Pick<Asked, "type" | "jobId">): string | undefined {
  // Pings are answered by their nonce.
  return type === "session.ping" ? undefined : `${type} ${jobId}`;
}
