import { setTimeout as pause } from "node:timers/promises";
import { Breach } from "./breach.ts";
import type { House } from "./house.ts";

const HOUR = 60 * 60 * 1000;

/** Hours in which what is over has to be gone, each long enough for the store to answer. */
const PATIENCE = 10_000;

/**
 * Ends all jobs, lets all windows pass, and insists that no session, job or timer is left.
 * @param timers that an empty house has
 */
export async function vacate({ runtime, clock, errors }: House, timers: number): Promise<void> {
  const left = async (): Promise<string[]> => {
    const jobs: string[] = [];
    for await (const { id, status, agent } of runtime.jobs.list()) {
      jobs.push(`${id} (${agent}) ${status}`);
    }
    const sessions = runtime.sessions
      .list()
      .map(({ id, connected }) => `${id}${connected ? ", connected" : ""}`);
    const more = clock.pending - timers;
    return [...sessions, ...jobs, ...(more > 0 ? [`${more} timers`] : [])];
  };
  await runtime.jobs.cancelAll("the program is over");
  for (const ms of [100, 1_000, 2_000, 35_000, 700_000]) await passed(clock, ms);
  for (let hours = 0; (await left()).length > 0; hours++) {
    if (hours === PATIENCE) throw new Breach("R-14-3", `left: ${(await left()).join(", ")}`);
    await passed(clock, HOUR);
    // What came in last, behind a slow login, is only being started now.
    await runtime.jobs.cancelAll("the program is over");
  }
  const found = errors();
  if (found.length > 0) throw new Breach("the log", found.join("\n"));
}

/** Lets what falls due be done. */
async function passed(clock: House["clock"], ms: number): Promise<void> {
  clock.advance(ms);
  await pause(1);
}
