import { newJobId } from "@arcp/core";
import { isClosed } from "./closed.ts";
import type { LogStore } from "./log-store.ts";

/**
 * Tells whether a store that keeps refusing calls about one job answers others. If not, it is the store that has failed, and
 * nothing may be decided about that job.
 * @param rejection of the last call
 * @throws what the store rejects other calls with
 */
export async function checkAnswers(
  logs: Pick<LogStore, "read">,
  rejection: unknown,
): Promise<void> {
  if (isClosed(rejection)) throw rejection;
  const ask = () => logs.read(newJobId(), 0, { records: 0, characters: 0 });
  // Twice: a single rejection at the wrong moment must not end the runtime.
  await ask().catch(ask);
}
