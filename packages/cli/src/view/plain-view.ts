import type { JobEvent, JobOutcome } from "@arcp/client";
import type { Surroundings } from "../surroundings.ts";
import { paintFor } from "../terminal.ts";
import { EventLines } from "./event-lines.ts";
import { endLine, resultText } from "./outcome-lines.ts";
import { printable } from "./printable.ts";
import type { Connected, View, ViewedJob } from "./view.ts";

/** Lines for a pipe or a log file. Notes, and the state of the connection, go to the standard error. */
export class PlainView implements View {
  readonly #surroundings: Surroundings;
  readonly #lines: EventLines;
  #job = "";
  #isLost = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#lines = new EventLines(paintFor(surroundings.stdout, surroundings.env));
  }

  begin({ id, agent }: ViewedJob): void {
    this.#job = id;
    this.#write(`${printable(id)} ${printable(agent)}`);
  }

  event(event: JobEvent): void {
    const line = this.#lines.ofGauge(event) ?? this.#lines.of(event, Number.POSITIVE_INFINITY);
    if (line !== undefined) this.#write(line);
  }

  connection(state: Connected): void {
    if (state.kind === "online") this.note("connected again");
    else if (!this.#isLost)
      this.note(`the connection is lost, trying again: ${state.error.message}`);
    this.#isLost = state.kind === "retrying";
  }

  keys(): void {}

  note(text: string): void {
    this.#surroundings.stderr.write(`arcp: ${printable(text)}\n`);
  }

  end(outcome: JobOutcome): void {
    const { stdout, env } = this.#surroundings;
    this.#write(endLine(this.#job, outcome, paintFor(stdout, env)));
    const result = resultText(this.#job, outcome);
    if (result !== undefined) this.#write(result);
  }

  [Symbol.dispose](): void {}

  #write(line: string): void {
    this.#surroundings.stdout.write(`${line}\n`);
  }
}
