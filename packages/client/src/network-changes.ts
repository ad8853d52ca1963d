/**
 * Calls `listener` when there may be a way to the runtime that there was not before: the platform says that it is back
 * online, or the page is looked at again. A page in the background has slow timers, and one that was frozen, or whose
 * machine slept, has a socket that may be dead without a word.
 *
 * `navigator.connection` is left out: it changes with every new estimate of the speed, and only some browsers have it.
 *
 * @returns stops it. Where the platform tells nothing, as in Node, there is nothing to stop.
 */
export function onNetworkChange(listener: () => void): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  if (typeof globalThis.addEventListener === "function") {
    globalThis.addEventListener("online", listener, { signal });
  }
  if (typeof document !== "undefined") {
    const looked = (): void => {
      if (document.visibilityState === "visible") listener();
    };
    document.addEventListener("visibilitychange", looked, { signal });
  }
  return () => listening.abort();
}
