import type { Run } from "../store/index.ts";
import type { Journal } from "./journal.ts";
import type { SessionWriter } from "./session-writer.ts";

/**
 * The run of a job that is alone in its session, opened before there is a record: it is asked for in front of the job's first
 * ones, and durable with them, so that no commit of its own stands between these and the client.
 *
 * - **P1** From the moment at which it is asked for no number belongs to the run before it, whether or not it comes to be
 *   stored; nothing is numbered until that is known.
 */
export class OpenedAhead {
  readonly #journal: Journal;
  readonly #writer: SessionWriter;
  /** The newest one. */
  #run: Run | undefined;
  #settled: Promise<void> | undefined;

  constructor(journal: Journal, writer: SessionWriter) {
    this.#journal = journal;
    this.#writer = writer;
  }

  /** Settles once it is known whether the run is durable; undefined when that is known. */
  get settled(): Promise<void> | undefined {
    return this.#settled;
  }

  open(run: Run): void {
    this.#journal.open([run]);
    this.#run = run;
    this.#settled = this.#store(run);
  }

  async #store(run: Run): Promise<void> {
    try {
      await this.#writer.settle({ runs: [run] });
    } catch (error) {
      this.#journal.withdraw(run);
      this.#writer.failed(error);
    }
    if (this.#run === run) this.#settled = undefined;
  }
}
