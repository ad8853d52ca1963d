import { type LinkedPair, linkedPair, type Transport, TransportClosedError } from "@arcp/core";
import type { Delivery } from "./action.ts";
import type { Line, Listener, OpenLine } from "./line.ts";

const codes: Readonly<Record<string, number>> = {
  normal: 1000,
  "going-away": 1001,
  "not-text": 1003,
  refused: 1008,
  "too-big": 1009,
  fault: 1011,
};

/** The same without a network. There are no bytes in memory, so there are no nuisances. */
export const linkInMemory =
  (serve: (transport: Transport) => void): OpenLine =>
  async (listener) => {
    const pair = linkedPair({ highWaterMark: 4_096 });
    serve(pair.runtime);
    return new MemoryLine(pair, listener);
  };

class MemoryLine implements Line {
  readonly #pair: LinkedPair;
  #held: string[] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(pair: LinkedPair, listener: Listener) {
    this.#pair = pair;
    void this.#listen(listener);
  }

  send(text: string, delivery: Delivery): void {
    // What a socket cannot carry does not arrive here either.
    this.#held.push(text.toWellFormed());
    if (delivery !== "held") this.flush();
  }

  annoy(): boolean {
    return false;
  }

  pause(): void {
    this.#gate ??= Promise.withResolvers();
  }

  goOn(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  flush(): void {
    const held = this.#held;
    this.#held = [];
    // A closed one takes nothing, which shows by its end.
    if (held.length > 0) this.#pair.client.send(held).catch(() => {});
  }

  halfClose(): void {
    this.close();
  }

  close(): void {
    this.flush();
    this.#pair.client.close();
    this.goOn();
  }

  destroy(): void {
    this.#pair.sever();
    this.goOn();
  }

  async #listen(listener: Listener): Promise<void> {
    let code = 1000;
    try {
      for await (const text of this.#pair.client.frames) {
        await this.#gate?.promise;
        listener.text(text);
      }
    } catch (error) {
      const reason = error instanceof TransportClosedError ? error.reason : undefined;
      code = (reason && codes[reason]) ?? 1006;
    }
    listener.closed(code);
  }
}
