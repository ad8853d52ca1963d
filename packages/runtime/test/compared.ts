import type { CompiledLease } from "../src/authority/lease.ts";
import { excess } from "../src/authority/subset.ts";

/** What a child's lease allows beyond its parent's, computed without a pause. */
export function excessOf(parent: CompiledLease, child: CompiledLease): string | undefined {
  const comparison = excess(parent, child);
  for (;;) {
    const { done, value } = comparison.next();
    if (done === true) return value;
  }
}
