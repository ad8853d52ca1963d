import { setMaxListeners } from "node:events";
import type { ArcpError } from "@arcp/core";

type Flow = (stop: () => void) => void;

const here: Flow = (stop) => stop();

/** Tells an agent to stop, once, with the first reason given. */
export class StopSignal {
  /** Created on first use: most agents never look at it, and an abort costs tens of microseconds. */
  #abort: AbortController | undefined;
  #reason: (() => ArcpError) | undefined;
  #flow: Flow = here;

  /** Sets the async context in which listeners are called. Default: that of the caller of {@link stop}. */
  within(flow: Flow): void {
    this.#flow = flow;
  }

  /** Whether it was told. */
  get given(): boolean {
    return this.#reason !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      // An agent may wait for any number of things at a time, so many listeners are not a leak.
      setMaxListeners(0, this.#abort.signal);
      if (this.#reason !== undefined) this.#abort.abort(this.#reason());
    }
    return this.#abort.signal;
  }

  stop(reason: () => ArcpError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const abort = this.#abort;
    if (abort !== undefined) this.#flow(() => abort.abort(reason()));
  }
}
