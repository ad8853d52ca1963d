import type { WireClient } from "../wire/wire-client.ts";
import type { Site } from "./site.ts";

/** A time by the clock of the runtime, which need not be that of the kit, so many milliseconds from now. */
export async function runtimeTime(site: Site, wire: WireClient, ms: number): Promise<string> {
  const { accepted } = await site.play(wire, []);
  await wire.next((e) => e.job_id === accepted.payload.job_id && e.type !== "job.event");
  return new Date(Date.parse(`${accepted.payload.accepted_at}`) + ms).toISOString();
}
