import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import type { RawSession } from "./raw-session.ts";

/** Records per turn of the event loop, as in the runtime (J4). */
const TURN = 256;
/** The bytes that may wait in a socket, as in the runtime's transport. */
const HIGH_WATER_MARK = 256 * 1024;

/** Sends all prepared frames of a session, one after another. */
export type SendPrepared = (session: RawSession) => Promise<void>;

/**
 * Paces prepared frames by the same rules: they may be large, so each write is checked.
 * @param write sends one of them
 */
export function inWrites<T>(
  writes: readonly T[],
  write: (session: RawSession, one: T) => void,
): SendPrepared {
  return async (session) => {
    const { socket } = session;
    for (const [i, one] of writes.entries()) {
      write(session, one);
      if (socket.writableLength > HIGH_WATER_MARK) await once(socket, "drain");
      else if (i % TURN === TURN - 1) await setImmediate();
    }
  };
}

/**
 * Paces a raw server so that it competes under the same rules as the runtime, which shares its event loop and bounds what a slow
 * reader costs: at most 256 records in one turn, then `setImmediate`; and no more until each socket with over 256 KiB waiting has
 * drained. Without this a raw server would put the whole job into memory at once and never read.
 * @param turn sends the records `from` up to and including `to`
 */
export async function inTurns(
  followers: readonly RawSession[],
  last: number,
  turn: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 1; from <= last; from += TURN) {
    turn(from, Math.min(from + TURN - 1, last));
    // This length is what `ws` calls its bufferedAmount, since nothing is compressed.
    const full = followers.filter(({ socket }) => socket.writableLength > HIGH_WATER_MARK);
    if (full.length > 0) await Promise.all(full.map(({ socket }) => once(socket, "drain")));
    else if (from + TURN <= last) await setImmediate();
  }
}
