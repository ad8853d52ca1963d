import { sleep, systemClock } from "@arcp/core";

/** Settles as `awaited` does, or as `late` does if that takes longer than `ms`. */
export async function inTime<T, L>(awaited: Promise<T>, ms: number, late: () => L): Promise<T | L> {
  const over = new AbortController();
  const timeout = sleep(systemClock, ms, over.signal).then(late);
  timeout.catch(() => {});
  try {
    return await Promise.race([awaited, timeout]);
  } finally {
    over.abort();
  }
}
