import type { Transport } from "@arcp/core";

/** What a runtime receives from the clients that it streams to. */
export class Audience {
  /** The last number that each has acknowledged. */
  readonly #acked = new Map<Transport, number>();
  #news = Promise.withResolvers<void>();
  /** Pings that were answered. */
  pongs = 0;
  /** Connections that the runtime closed. */
  closed = 0;

  /** A connection as the runtime should use it. */
  heard(transport: Transport): Transport {
    this.#acked.set(transport, 0);
    return {
      frames: this.#inbound(transport),
      send: (frames) => transport.send(frames),
      close: (reason) => {
        this.closed += 1;
        this.#tell();
        transport.close(reason);
      },
    };
  }

  /** The highest number that any of them has acknowledged. */
  get furthest(): number {
    return Math.max(...this.#acked.values());
  }

  /** Whether this many have acknowledged a number. */
  have(seq: number, readers: number): boolean {
    return [...this.#acked.values()].filter((acked) => acked >= seq).length >= readers;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#news.promise;
  }

  async *#inbound(transport: Transport): AsyncGenerator<string> {
    for await (const frame of transport.frames) {
      const { type, payload } = JSON.parse(frame);
      if (type === "session.ack") this.#acked.set(transport, payload.last_processed_seq);
      if (type === "session.pong") this.pongs += 1;
      this.#tell();
      yield frame;
    }
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
