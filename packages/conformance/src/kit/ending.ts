import { sleep, systemClock } from "@arcp/core";
import type { WireClient } from "../wire/wire-client.ts";
import type { Ending } from "../wire/wire-line.ts";

/** How the runtime ends a connection, which it must do in time. */
export async function endingOf(wire: WireClient, ms = 10_000): Promise<Ending | "still open"> {
  const stop = new AbortController();
  const late = sleep(systemClock, ms, stop.signal).then(() => "still open" as const);
  late.catch(() => {});
  try {
    return await Promise.race([wire.closed, late]);
  } finally {
    stop.abort();
  }
}
