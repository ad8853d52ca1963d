/**
 * Marks a rejection as handled, so that a promise that nobody awaits cannot end the process. Whoever does await it still gets
 * the error.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** The promise that `ask` returns. If `ask` throws, the promise rejects, and nobody has to handle that. */
export function orRefused<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return ask();
  } catch (error) {
    return handled(Promise.reject(error));
  }
}
