import { finished, type Readable, type Writable } from "node:stream";
import {
  type Clock,
  type CloseReason,
  checkOptions,
  FrameQueue,
  HIGH_WATER_MARK,
  LocalError,
  type OptionRules,
  rule,
  systemClock,
  type Timer,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { LineReader } from "./line-reader.ts";

/** What a pair of byte streams may carry, and how long closing may take. */
export interface StreamOptions {
  /** The longest inbound line, in bytes; 4 MiB by default. A longer one is refused, and reading continues (R-4.2-4). */
  readonly maxMessageSize?: number | undefined;
  /** How long a closing connection may take to deliver what was sent and close cleanly, in milliseconds; 2,000 by default. */
  readonly closeTimeout?: number | undefined;
  /** The source of time. Default: the system's clock. */
  readonly clock?: Clock | undefined;
}

export const STREAM_RULES: OptionRules<StreamOptions> = {
  maxMessageSize: rule.aboveZero,
  closeTimeout: rule.wait,
  clock: rule.clock,
};

/** What the owner of a spawned process adds to its streams. */
export interface StreamWatch {
  /** Called when the peer ends its stream, or accepts nothing any more, before this side has closed. @returns why */
  readonly explain: () => Promise<Error>;
  /** The error to break with if the very first line is not a message; undefined to continue. */
  readonly greet: (line: string) => Error | undefined;
  /** Called as soon as nothing can be sent or received any more. */
  readonly over: () => void;
}

/**
 * A pair of byte streams as a transport: each line is one envelope (R-4.2-1). The transport owns the streams from then on, and
 * destroys them in the end. Why the peer closes is not visible: if its stream ends at the end of a line, that counts as `normal`.
 *
 * @throws LocalError `MISUSE` for an unknown or invalid option
 */
export function streamTransport(
  readable: Readable,
  writable: Writable,
  options: StreamOptions = {},
): Transport {
  checkOptions("streamTransport", options, STREAM_RULES);
  return new StreamTransport(readable, writable, options);
}

/**
 * Reading pauses while more than the high-water mark waits for the reader, so a slow reader slows its peer down. A peer that
 * accepts nothing any more may still send something, so its output is read to the end, but only for a limited time.
 */
export class StreamTransport implements Transport {
  readonly frames: FrameQueue;
  /** Resolves once both streams are finished. */
  readonly gone: Promise<void>;
  readonly #readable: Readable;
  readonly #writable: Writable;
  readonly #clock: Clock;
  readonly #closeTimeout: number;
  readonly #watch: StreamWatch | undefined;
  readonly #lines: LineReader;
  readonly #over = Promise.withResolvers<void>();
  #greeted = false;
  /** Whether the peer's stream is over and only the reason is still being determined. */
  #ending = false;
  /** Why nothing can be sent any more. */
  #closed: TransportClosedError | undefined;
  /** Limits how long a peer that accepts nothing any more is still read from. */
  #patience: Timer | undefined;
  /** The promise that all sends wait for that found the stream's buffer too full. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    readable: Readable,
    writable: Writable,
    options: StreamOptions = {},
    watch?: StreamWatch,
  ) {
    this.#readable = readable;
    this.#writable = writable;
    this.#watch = watch;
    this.#clock = options.clock ?? systemClock;
    this.#closeTimeout = options.closeTimeout ?? 2_000;
    this.frames = new FrameQueue(() => this.#taken());
    this.#lines = new LineReader(options.maxMessageSize ?? 4 * 1024 * 1024, (line) =>
      this.#received(line),
    );
    // Even after the streams have ended: a broken pipe must never end the process.
    for (const stream of [readable, writable]) stream.on("error", () => {});
    readable.on("data", (chunk: Buffer | string) => {
      if (this.#closed !== undefined) return;
      this.#lines.take(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      if (this.#closed === undefined && this.frames.waiting > HIGH_WATER_MARK) readable.pause();
    });
    const read = Promise.withResolvers<void>();
    finished(readable, { writable: false }, (error) => {
      read.resolve();
      void this.#heardLast(error ?? undefined);
    });
    const written = Promise.withResolvers<void>();
    finished(writable, { readable: false }, (error) => {
      written.resolve();
      this.#refused(error ?? undefined);
    });
    this.gone = Promise.all([read.promise, written.promise]).then(() => {});
  }

  async send(frames: readonly string[]): Promise<void> {
    if (!this.#isOpen) throw await this.#refusal();
    if (frames.length === 0) return;
    this.#writable.write(linesOf(frames), this.#written);
    while (this.#writable.writableLength > HIGH_WATER_MARK) {
      this.#room ??= Promise.withResolvers();
      await this.#room.promise;
      if (!this.#isOpen) throw await this.#refusal();
    }
  }

  close(reason: CloseReason = "normal"): void {
    this.#end(new TransportClosedError(reason), "well");
  }

  get #isOpen(): boolean {
    return this.#closed === undefined && this.#writable.writable;
  }

  /** Why nothing can be sent. If the peer has only just stopped accepting anything, waits for its last output, which says why. */
  async #refusal(): Promise<TransportClosedError> {
    await this.#over.promise;
    return this.#closed ?? new TransportClosedError();
  }

  readonly #written = (): void => {
    if (this.#writable.writableLength <= HIGH_WATER_MARK) this.#makeRoom();
  };

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #received(line: string): void {
    if (this.#closed !== undefined) return;
    if (!this.#greeted) {
      this.#greeted = true;
      const cause = this.#watch?.greet(line);
      if (cause !== undefined) return this.#break(cause);
    }
    this.frames.push(line);
  }

  #taken(): void {
    if (this.#closed !== undefined || this.frames.waiting > HIGH_WATER_MARK / 2) return;
    if (this.#readable.isPaused()) this.#readable.resume();
  }

  async #heardLast(error: Error | undefined): Promise<void> {
    if (this.#closed !== undefined || this.#ending) return;
    this.#ending = true;
    const cut = this.#lines.betweenLines
      ? undefined
      : new Error("it ended in the middle of a line");
    const cause = (await this.#watch?.explain()) ?? error ?? cut;
    if (cause === undefined) this.#end(new TransportClosedError("normal"), "well");
    else this.#break(cause);
  }

  /** Handles that the peer accepts nothing any more. */
  #refused(cause = new Error("it accepts nothing any more")): void {
    this.#makeRoom();
    if (this.#closed !== undefined) return;
    this.#patience = this.#clock.after(this.#closeTimeout, () => void this.#heardLast(cause));
  }

  #break(cause: Error): void {
    this.#end(new TransportClosedError(undefined, { cause }), "badly");
  }

  #end(error: TransportClosedError, how: "well" | "badly"): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.frames.end(how === "badly" ? error : undefined);
    this.#makeRoom();
    this.#over.resolve();
    this.#watch?.over();
    this.#part();
  }

  /** Ends this side's stream after everything sent so far, and gives the peer a while to end its own. */
  #part(): void {
    this.#patience?.cancel();
    const timer = this.#clock.after(this.#closeTimeout, () => {
      this.#writable.destroy();
      this.#readable.destroy();
    });
    void this.gone.then(() => timer.cancel());
    this.#writable.end();
    // Its end may come after lines that nobody wants any more, so keep reading.
    this.#readable.resume();
  }
}

/** @throws LocalError `MISUSE` for a text that would not arrive as one frame (R-4.2-1, R-4.2-3) */
function linesOf(frames: readonly string[]): string {
  let lines = "";
  for (const frame of frames) {
    if (frame === "" || frame.includes("\n")) {
      throw new LocalError("MISUSE", "a frame must be a single non-empty line");
    }
    lines += `${frame}\n`;
  }
  return lines;
}
