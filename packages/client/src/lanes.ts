import type { Asked } from "./correlation.ts";

/** Queues, by name. In each of them only the first one goes on. */
export class Lanes<T extends { readonly lane: string | undefined }> {
  readonly #lanes = new Map<string, Set<T>>();

  /** Puts it at the end of its lane, if it has one. @returns whether it is its turn */
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

  /** @returns the one whose turn it is by that */
  leave(item: T): T | undefined {
    const waiting = item.lane === undefined ? undefined : this.#lanes.get(item.lane);
    if (item.lane === undefined || waiting === undefined) return undefined;
    const wasFirst = this.isFirst(item);
    waiting.delete(item);
    const [next] = waiting;
    if (next === undefined) this.#lanes.delete(item.lane);
    return wasFirst ? next : undefined;
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
