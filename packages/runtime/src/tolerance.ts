/**
 * Marks a promise as handled, so that a rejection that the agent ignores does not end the process. Whoever awaits it still gets it.
 */
export function tolerated<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
