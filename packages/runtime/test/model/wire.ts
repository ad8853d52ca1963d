import type { Transport } from "@arcp/core";

/** A connection whose two ends are controlled by hand: what leaves stays here until its client takes it. */
export class Wire {
  readonly transport: Transport;
  /** Bytes in flight to the client. */
  readonly flight: string[] = [];
  /** The process at the other end has died. */
  dead = false;
  #said = 0;
  #inbox: string[] = [];
  #closed = false;
  #woken = Promise.withResolvers<void>();

  /** @param left told of every frame at the moment it leaves */
  constructor(left: (frame: string) => void) {
    this.transport = {
      frames: this.#frames(),
      send: (frames) => {
        if (this.dead) return new Promise(() => {});
        for (const frame of frames) {
          left(frame);
          this.flight.push(frame);
        }
        return Promise.resolve();
      },
      close: () => this.end(),
    };
  }

  /** The client sends something. */
  say(type: string, payload: object): void {
    this.#inbox.push(JSON.stringify({ arcp: "1.1", id: `req_${this.#said++}`, type, payload }));
    this.#woken.resolve();
  }

  /** The runtime learns that its client has left. */
  end(): void {
    this.#closed = true;
    this.#woken.resolve();
  }

  /** Ends when either side has closed it: the client may leave without a word. */
  async *#frames(): AsyncGenerator<string> {
    while (!this.#closed) {
      const next = this.#inbox.shift();
      if (next !== undefined) yield next;
      else {
        await this.#woken.promise;
        this.#woken = Promise.withResolvers();
      }
    }
  }
}
