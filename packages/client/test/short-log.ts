import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { memoryStore } from "@arcp/runtime";
import type { JobEvent } from "../src/index.ts";
import { Hosted } from "./hosted.ts";

/** Numbers that the job logs, many times as many as are kept of it. */
const LENGTH = 800;
const KEPT = 60;

/**
 * One job whose log is short, and handles that are behind it, each with a window that is short as well, while the connection is
 * cut again and again. No reader may miss anything that it is not told of.
 *
 * @returns how often a reader was told
 * @throws AssertionError when a reader misses something in silence, or gets it twice
 */
export async function shortLog(): Promise<number> {
  await using house = new Hosted({ store: memoryStore({ logLimits: { records: KEPT } }) });
  const client = await house.connect({ eventBuffer: 2_000 });
  const { id, events } = await client.submit("counting");
  const readers = [told(events)];
  for (let n = 0; n < LENGTH; n += 10) {
    house.counting.upTo(n);
    await pause(1);
    if (n % 40 === 0) {
      house.sever();
      client.retryNow();
    }
    if (n % 50 === 0) readers.push(client.job(id).then((job) => told(job.events)));
  }
  house.counting.end();
  const losses = await Promise.all(readers);
  await client.close();
  return losses.reduce((sum, each) => sum + each, 0);
}

/** Reads to the end, sometimes slowly. @returns how often it was told of a loss */
async function told(events: AsyncIterable<JobEvent>): Promise<number> {
  let losses = 0;
  let last = 0;
  let isTold = false;
  for await (const event of events) {
    if (event.kind === "history_lost") {
      losses += 1;
      isTold = true;
    }
    if (event.kind !== "log") continue;
    const number = Number(event.body.message);
    assert(number > last, `${number} after ${last}`);
    assert(isTold || number === last + 1, `${number} after ${last} without a word`);
    last = number;
    isTold = false;
    if (number % 7 === 0) await pause(1);
  }
  return losses;
}
