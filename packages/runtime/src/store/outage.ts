import { newJobId } from "@arcp/core";
import type { LogStore } from "./log-store.ts";

/**
 * Asks for a log that does not exist, which tells whether a store that refuses calls about one job answers others.
 * @throws what the store rejects that with
 */
export async function askStore(logs: Pick<LogStore, "read">): Promise<void> {
  const ask = () => logs.read(newJobId(), 0, { records: 0, characters: 0 });
  // Twice: a single rejection at the wrong moment is no outage.
  await ask().catch(ask);
}
