import type { WireClient } from "../wire/wire-client.ts";
import type { Site } from "./site.ts";

/** The time this many milliseconds from now by the clock of the runtime, which may differ from that of the kit. */
export async function runtimeTime(site: Site, wire: WireClient, ms: number): Promise<string> {
  const { accepted } = await site.play(wire, []);
  await wire.next((e) => e.job_id === accepted.payload.job_id && e.type !== "job.event");
  return new Date(Date.parse(`${accepted.payload.accepted_at}`) + ms).toISOString();
}
