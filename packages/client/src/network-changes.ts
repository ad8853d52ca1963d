/**
 * Calls `listener` when the runtime may have become reachable again: when the platform reports that it is back online, or when
 * the page becomes visible. Background pages have slow timers, and after a page was frozen, or its machine slept, its socket may
 * be dead without notice.
 *
 * `navigator.connection` is not used: it changes with every new speed estimate, and only some browsers have it.
 *
 * @returns a function that stops listening. It does nothing where the platform reports nothing, as in Node.
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
