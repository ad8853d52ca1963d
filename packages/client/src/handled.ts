/**
 * Marks a rejection as handled, so that a promise that nobody looks at cannot end the process. Whoever does look at it
 * still gets the error.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** A rejection that nobody need look at. */
export function refused(error: unknown): Promise<never> {
  return handled(Promise.reject(error));
}
