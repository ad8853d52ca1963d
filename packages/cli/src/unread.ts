import { exitCode } from "./exit-code.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Surroundings } from "./surroundings.ts";

/** Stops the command when nobody reads its output any more, as in `arcp watch | head`. Other write errors are reported. */
export class Unread implements Disposable {
  readonly #sink: Surroundings["stdout"];
  readonly #take: (error: NodeJS.ErrnoException) => void;
  #isUnread = false;

  constructor({ stdout, stderr }: Pick<Surroundings, "stdout" | "stderr">, interrupts: Interrupts) {
    this.#sink = stdout;
    this.#take = ({ code, message }) => {
      if (this.#isUnread) return;
      this.#isUnread = true;
      if (code !== "EPIPE") stderr.write(`arcp: the output cannot be written: ${message}\n`);
      interrupts.raise("SIGTERM");
    };
    stdout.on("error", this.#take);
  }

  /** The exit code; undefined as long as somebody reads. */
  get code(): number | undefined {
    return this.#isUnread ? exitCode.unread : undefined;
  }

  [Symbol.dispose](): void {
    this.#sink.off("error", this.#take);
  }
}
