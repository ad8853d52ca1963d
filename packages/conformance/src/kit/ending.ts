import { inTime } from "../in-time.ts";
import type { WireClient } from "../wire/wire-client.ts";
import type { Ending } from "../wire/wire-line.ts";

/** How the runtime ends a connection, which it must do in time. */
export function endingOf(wire: WireClient, ms = 10_000): Promise<Ending | "still open"> {
  return inTime(wire.closed, ms, () => "still open" as const);
}
