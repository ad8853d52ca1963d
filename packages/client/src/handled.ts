/**
 * Marks a rejection as handled, so that a promise that nobody looks at cannot end the process. Whoever does look at it
 * still gets the error.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** What `ask` gives; when it throws instead, a rejection that nobody need look at. */
export function orRefused<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return ask();
  } catch (error) {
    return handled(Promise.reject(error));
  }
}
