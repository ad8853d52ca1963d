import { HIGH_WATER_MARK, LocalError, type Transport } from "@arcp/core";

/** The characters that may wait: beyond them a runtime asks and asks, and reads no answer. */
const MOST = 8 * HIGH_WATER_MARK;

export interface OutboxOptions {
  readonly transport: Transport;
  /** There is room again. */
  readonly drained: () => void;
  /** The runtime takes so little that it is of no use. */
  readonly stuck: (fault: LocalError) => void;
}

/**
 * What leaves on a connection, and how much of it the transport has yet to take (R-4.1-10). What can wait is sent only where
 * there is room; what answers the runtime is sent always, as long as it reads that.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** Characters that the transport has yet to take. */
  #waiting = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Whether something should be sent that can wait. */
  get hasRoom(): boolean {
    return this.#waiting <= HIGH_WATER_MARK;
  }

  /** A failure shows as the end of the connection. */
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
