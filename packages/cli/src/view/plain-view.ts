import type { JobEvent, JobOutcome } from "@arcp/client";
import type { EventBody } from "@arcp/core";
import type { Surroundings } from "../surroundings.ts";
import { paintFor } from "../terminal.ts";
import { EventLines } from "./event-lines.ts";
import { endLine, resultText } from "./outcome-lines.ts";
import { printable, writtenOut } from "./printable.ts";
import type { Connected, View, ViewedJob } from "./view.ts";

/** Writes lines for a pipe or a log file, and streamed text as it comes. Notes and the connection's state go to standard error. */
export class PlainView implements View {
  readonly #surroundings: Surroundings;
  readonly #lines: EventLines;
  #job = "";
  #isLost = false;
  /** Whether the streamed text written last has not ended its line yet. */
  #isMidLine = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#lines = new EventLines(paintFor(surroundings.stdout, surroundings.env));
  }

  begin(job: ViewedJob): void {
    this.#job = job.id;
    this.#lines.begin(job);
    this.#write(`${printable(job.id)} ${printable(job.agent)}`);
  }

  event(event: JobEvent): void {
    if (event.kind === "result_chunk") return this.#piece(event.body);
    const line = this.#lines.ofGauge(event) ?? this.#lines.of(event, Number.POSITIVE_INFINITY);
    if (line !== undefined) this.#write(line);
  }

  connection(state: Connected): void {
    if (state.kind === "online") this.note("reconnected");
    else if (!this.#isLost) this.note(`connection lost, reconnecting: ${state.error.message}`);
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

  /** Writes only the text of a streamed result: bytes are for files. */
  #piece({ encoding, data }: EventBody<"result_chunk">): void {
    if (encoding !== "utf8" || data === "") return;
    const text = writtenOut(data);
    this.#surroundings.stdout.write(text);
    this.#isMidLine = !text.endsWith("\n");
  }

  #write(line: string): void {
    this.#surroundings.stdout.write(`${this.#isMidLine ? "\n" : ""}${line}\n`);
    this.#isMidLine = false;
  }
}
