import type { Run } from "../store/index.ts";
import type { Journal } from "./journal.ts";
import type { SessionWriter } from "./session-writer.ts";

/**
 * The run of a session's only job, opened before the job has any record: it is handed to the store ahead of the job's first records
 * and becomes durable with them, so that these need no separate commit before they reach the client.
 *
 * - **P1** Once the run is handed to the store, no number belongs to the previous run any more, whether or not the store succeeds;
 *   nothing is numbered until that is known.
 */
export class OpenedAhead {
  readonly #journal: Journal;
  readonly #writer: SessionWriter;
  /** The run opened last. */
  #run: Run | undefined;
  #settled: Promise<void> | undefined;

  constructor(journal: Journal, writer: SessionWriter) {
    this.#journal = journal;
    this.#writer = writer;
  }

  /** Settles once it is known whether the run is durable; undefined after that. */
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
