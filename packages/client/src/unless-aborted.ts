import { handled } from "./handled.ts";

/** The callbacks that wait for each promise. */
const waiting = new WeakMap<Promise<unknown>, Set<() => void>>();

/**
 * Settles as the promise does, unless the signal aborts first: then it rejects with the signal's reason, and the promise, which
 * may stay pending for days, no longer refers to the wait.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: first, resolve, reject } = Promise.withResolvers<T>();
  const waiters = waitersOf(promise);
  const settled = (): void => {
    signal.removeEventListener("abort", abort);
    resolve(promise);
  };
  const abort = (): void => {
    waiters.delete(settled);
    reject(signal.reason);
  };
  waiters.add(settled);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return handled(first);
}

/** A promise keeps every reaction until it settles, so all waiters share one. */
function waitersOf(promise: Promise<unknown>): Set<() => void> {
  const known = waiting.get(promise);
  if (known !== undefined) return known;
  const waiters = new Set<() => void>();
  const settled = (): void => {
    // From now on, a new waiter needs a reaction of its own.
    waiting.delete(promise);
    for (const wake of waiters) wake();
  };
  promise.then(settled, settled);
  waiting.set(promise, waiters);
  return waiters;
}
