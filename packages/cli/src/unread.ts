import { exitCode } from "./exit-code.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Sink } from "./surroundings.ts";

/** Stops the command when nobody reads its output any more, as in `arcp watch | head`. */
export class Unread implements Disposable {
  readonly #sink: Sink;
  readonly #take: (error: Error) => void;
  #isUnread = false;

  constructor(sink: Sink, interrupts: Interrupts) {
    this.#sink = sink;
    this.#take = () => {
      this.#isUnread = true;
      interrupts.raise("SIGTERM");
    };
    sink.on("error", this.#take);
  }

  /** What to exit with; undefined as long as somebody reads. */
  get code(): number | undefined {
    return this.#isUnread ? exitCode.unread : undefined;
  }

  [Symbol.dispose](): void {
    this.#sink.off("error", this.#take);
  }
}
