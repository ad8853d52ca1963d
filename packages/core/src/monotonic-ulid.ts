import { encodeTime, TIME_LEN } from "ulid";
import { type Clock, systemClock } from "./clock.ts";
import { DIGITS, randomByte, randomDigits } from "./random.ts";

const PAIRS = Array.from(DIGITS).flatMap((high) => Array.from(DIGITS, (low) => high + low));
/** Random digits behind the time, but for the last four, which are counted up. */
const DRAWN = 12;
/** The values that four digits have. */
const TAILS = PAIRS.length ** 2;

/**
 * Makes ULIDs that sort in the order in which they were made. Only the first of a millisecond is drawn; the next ones
 * count its last digits up, which is several times cheaper than the library's own way through all of them, and every
 * event of every job pays for it.
 */
export function monotonicUlid(clock: Clock = systemClock): () => string {
  let ms = 0;
  let head = "";
  let tail = TAILS;
  return () => {
    const now = clock.now();
    tail += 1;
    if (now > ms || tail >= TAILS) {
      // A clock that steps back does not take the ids along, and a millisecond that is used up borrows the next.
      ms = Math.max(now, ms + 1);
      head = encodeTime(ms, TIME_LEN) + randomDigits(DRAWN);
      // The lower half, so that there is room to count.
      tail = ((randomByte() & 7) << 16) | (randomByte() << 8) | randomByte();
    }
    return `${head}${PAIRS[tail >>> 10]}${PAIRS[tail & 1023]}`;
  };
}
