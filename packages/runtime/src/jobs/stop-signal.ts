import { setMaxListeners } from "node:events";
import type { ArcpError } from "@arcp/core";

type Flow = (stop: () => void) => void;

const here: Flow = (stop) => stop();

/** Tells an agent to stop, once, for the first reason that there is. */
export class StopSignal {
  /** Made when somebody first asks for it: most jobs end unasked, and an abort costs tens of microseconds. */
  #abort: AbortController | undefined;
  #reason: (() => ArcpError) | undefined;
  #flow: Flow = here;

  /** Who listens is called within this flow of the program. Default: that of whoever stops. */
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
      // A job may wait for as many things at a time as it likes: that is no leak.
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
