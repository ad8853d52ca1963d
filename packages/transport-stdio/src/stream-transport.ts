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

/** What a pair of byte streams may carry, and how long it takes to part. */
export interface StreamOptions {
  /** The bytes that one inbound line may have, 4 MiB by default; a longer one is refused, and reading goes on (R-4.2-4). */
  readonly maxMessageSize?: number | undefined;
  /** Milliseconds that a closed connection has to deliver what was sent and to part in good order; 2,000 by default. */
  readonly closeTimeout?: number | undefined;
  /** Where time comes from. Default: the system's. */
  readonly clock?: Clock | undefined;
}

export const STREAM_RULES: OptionRules<StreamOptions> = {
  maxMessageSize: rule.aboveZero,
  closeTimeout: rule.wait,
  clock: rule.clock,
};

/** What else a spawned process knows of its streams. */
export interface StreamWatch {
  /** Asked once the peer has ended its stream, or takes nothing any more, before this side closed: why. */
  readonly explain: () => Promise<Error>;
  /** The error to break with when the very first line is no message; undefined to go on. */
  readonly greet: (line: string) => Error | undefined;
  /** Called as soon as nothing can be sent and received any more. */
  readonly over: () => void;
}

/**
 * A pair of byte streams as a transport: each line is one envelope (R-4.2-1). It owns them from then on, and destroys them
 * in the end. How the peer closes does not show: the end of its stream at the end of a line is taken as `normal`.
 *
 * @throws LocalError `MISUSE` for an option of another kind or that there is not
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
 * Reading pauses while more than the high-water mark waits for the reader, so a slow reader slows its peer. A peer that takes
 * nothing any more may still have last words, so what it says is read to its end, but not without end.
 */
export class StreamTransport implements Transport {
  readonly frames: FrameQueue;
  /** Resolves once both streams are done with. */
  readonly gone: Promise<void>;
  readonly #readable: Readable;
  readonly #writable: Writable;
  readonly #clock: Clock;
  readonly #closeTimeout: number;
  readonly #watch: StreamWatch | undefined;
  readonly #lines: LineReader;
  readonly #over = Promise.withResolvers<void>();
  #greeted = false;
  /** The peer said its last word; what is asked is why. */
  #ending = false;
  /** Why nothing can be sent any more. */
  #closed: TransportClosedError | undefined;
  /** How long a peer that takes nothing any more is listened to. */
  #patience: Timer | undefined;
  /** What the sends wait for that found too much in the stream: one promise for all. */
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
    // Also after their ends: a broken pipe must never end the process.
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

  /** Why nothing can be sent. When the peer just stopped to take anything, what it says last tells. */
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

  /** The peer takes nothing any more. */
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

  /** Ends this side's stream behind what was sent, and gives the peer a while to end its own. */
  #part(): void {
    this.#patience?.cancel();
    const timer = this.#clock.after(this.#closeTimeout, () => {
      this.#writable.destroy();
      this.#readable.destroy();
    });
    void this.gone.then(() => timer.cancel());
    this.#writable.end();
    // Its end may stand behind lines that nobody wants any more.
    this.#readable.resume();
  }
}

/** @throws LocalError `MISUSE` for what would not arrive as one frame (R-4.2-1, R-4.2-3) */
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
