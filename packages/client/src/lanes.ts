import type { Asked } from "./correlation.ts";

/** Named queues. In each of them, only the first item may proceed. */
export class Lanes<T extends { readonly lane: string | undefined }> {
  readonly #lanes = new Map<string, Set<T>>();

  /** Adds an item at the end of its lane, if it has one. @returns whether it may proceed at once */
  join(item: T): boolean {
    if (item.lane === undefined) return true;
    const waiting = this.#lanes.get(item.lane) ?? new Set();
    this.#lanes.set(item.lane, waiting.add(item));
    return waiting.size === 1;
  }

  isFirst(item: T): boolean {
    if (item.lane === undefined) return true;
    const [first] = this.#lanes.get(item.lane) ?? [];
    return first === item;
  }

  /** Removes an item from its lane. @returns the item that may proceed now, if any */
  leave(item: T): T | undefined {
    const waiting = item.lane === undefined ? undefined : this.#lanes.get(item.lane);
    if (item.lane === undefined || waiting === undefined) return undefined;
    const wasFirst = this.isFirst(item);
    waiting.delete(item);
    const [next] = waiting;
    if (next === undefined) this.#lanes.delete(item.lane);
    return wasFirst ? next : undefined;
  }

  /** Empties all lanes: none of the waiting items will proceed. */
  clear(): void {
    this.#lanes.clear();
  }
}

/**
 * The lane of a request. Requests of the same type about the same job, if any, share one, since their replies could be confused
 * (R-D-7).
 */
export function laneOf({ type, jobId }: Pick<Asked, "type" | "jobId">): string | undefined {
  // A pong is recognised by its nonce.
  return type === "session.ping" ? undefined : `${type} ${jobId}`;
}
