import { handled } from "./handled.ts";

/** As the promise settles, unless the signal aborts first: then it rejects with the signal's reason. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const { promise: first, resolve, reject } = Promise.withResolvers<T>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  void promise.then(resolve, reject).then(() => signal.removeEventListener("abort", abort));
  return handled(first);
}
