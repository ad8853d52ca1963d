/**
 * Marks a rejection as handled, so that a promise that nobody looks at cannot end the process. Whoever does look at it
 * still gets the error.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
