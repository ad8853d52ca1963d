import { setTimeout as pause } from "node:timers/promises";
import type { CountedClock } from "./counted-clock.ts";

/** Milliseconds that what was closed has to be gone. */
const PATIENCE = 60_000;

/** What keeps this process alive, by kind. */
export type Holdings = ReadonlyMap<string, number>;

export function holdings(): Holdings {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** Insists that sooner or later no more is held than before, and that no timer is armed. */
export async function leftNothing(
  before: Holdings,
  clocks: readonly CountedClock[],
): Promise<void> {
  await comes(
    () => clocks.every((clock) => clock.armed.length === 0) && more(before).length === 0,
    () => {
      const timers = clocks.flatMap((clock) => clock.armed);
      return `left behind: ${[...more(before), ...timers].join("\n")}`;
    },
  );
}

/** Resolves once `condition` holds; rejects with what `told` says when it does not in time. */
export async function comes(
  condition: () => boolean | Promise<boolean>,
  told: () => string,
): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(told());
    await pause(20);
  }
}

function more(before: Holdings): string[] {
  return [...holdings()].flatMap(([kind, count]) => {
    const excess = count - (before.get(kind) ?? 0);
    return excess > 0 ? [`${excess} ${kind}`] : [];
  });
}
