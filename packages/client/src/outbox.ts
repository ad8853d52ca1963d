import { HIGH_WATER_MARK, LocalError, type Transport } from "@arcp/core";

/** How many characters may wait. Beyond that, the runtime keeps asking without reading our replies. */
const MOST = 8 * HIGH_WATER_MARK;

export interface OutboxOptions {
  readonly transport: Transport;
  /** Called when there is room again. */
  readonly drained: () => void;
  /** Called if the runtime reads so little that the connection is useless. */
  readonly stuck: (fault: LocalError) => void;
}

/**
 * Sends frames on a connection, and counts how much the transport has yet to take (R-4.1-10). Messages that can wait are sent
 * only if there is room; replies to the runtime are always sent, as long as it reads them.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** How many characters the transport has yet to take. */
  #waiting = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether to send messages that could wait. */
  get hasRoom(): boolean {
    return this.#waiting <= HIGH_WATER_MARK;
  }

  /** Sends a frame. A failure shows as the end of the connection. */
  send(frame: string): void {
    const { transport, stuck } = this.#options;
    this.#waiting += frame.length;
    transport.send([frame]).then(
      () => this.#taken(frame.length),
      () => {},
    );
    if (this.#waiting <= MOST) return;
    stuck(new LocalError("TRANSPORT_CLOSED", "the runtime does not read what it is sent"));
  }

  #taken(size: number): void {
    const hadRoom = this.hasRoom;
    this.#waiting -= size;
    if (!hadRoom && this.hasRoom) this.#options.drained();
  }
}
