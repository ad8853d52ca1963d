import type { JobFilter, ListedJob } from "@arcp/client";

/** Where jobs are listed, the oldest first: a client. */
export interface ListedJobs {
  jobs(filter: JobFilter, signal: AbortSignal): AsyncIterable<ListedJob>;
}

export interface LatestJobs {
  /** The youngest last. */
  readonly latest: readonly ListedJob[];
  /** How many there are in all; undefined for more than `FEW`, which nobody counted. */
  readonly all: number | undefined;
}

/** So many jobs are listed at once; a page of the client has as many. */
export const FEW = 100;

/** How far back is looked first, in ms, and how many times as far each time after that. */
const FIRST_LOOK = 60_000;
const FARTHER = 10;

/**
 * The last ones of a listing. It begins with the oldest, and whoever has ten thousand is not to wait for all of them: unless they
 * are few, those of the last minute are asked for, of the last ten, and so on, until they are enough.
 *
 * @param now milliseconds since 1970. Where the runtime's clock shows something else, more or fewer looks are needed
 */
export async function latestJobs(
  source: ListedJobs,
  filter: JobFilter,
  limit: number,
  now: number,
  signal: AbortSignal,
): Promise<LatestJobs> {
  const look = async (which: JobFilter, most = Number.POSITIVE_INFINITY) => {
    const latest: ListedJob[] = [];
    let [count, oldest] = [0, now];
    for await (const job of source.jobs(which, signal)) {
      if (count === 0) oldest = job.createdAt.getTime();
      if (latest.push(job) > limit) latest.shift();
      count += 1;
      if (count === most) break;
    }
    return { latest, count, oldest };
  };
  const few = await look(filter, FEW);
  if (few.count < FEW) return { latest: few.latest, all: few.count };
  for (let span = FIRST_LOOK; now - span > few.oldest; span *= FARTHER) {
    const { latest, count } = await look({ ...filter, createdAfter: new Date(now - span) });
    if (count >= limit) return { latest, all: undefined };
  }
  const { latest, count } = await look(filter);
  return { latest, all: count };
}
