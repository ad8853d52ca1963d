import type { JobEvent, JobOutcome } from "@arcp/client";
import { createLogUpdate } from "log-update";
import type { Surroundings } from "../surroundings.ts";
import { type Paint, paintFor, widthOf } from "../terminal.ts";
import { EventLines } from "./event-lines.ts";
import { Gauges } from "./gauges.ts";
import { endLine, resultText } from "./outcome-lines.ts";
import { duration, printable } from "./printable.ts";
import type { Connected, View, ViewedJob } from "./view.ts";

/** A terminal: events scroll by, and a few lines at its foot show the current state. */
export class TerminalView implements View {
  readonly #surroundings: Surroundings;
  readonly #paint: Paint;
  readonly #lines: EventLines;
  readonly #gauges: Gauges;
  readonly #foot: ReturnType<typeof createLogUpdate>;
  /** Lines that wait for the next drawing. */
  readonly #waiting: string[] = [];
  #job = "";
  /**
   * When the first and the last event were emitted, in ms since 1970 by the runtime's clock, and when the last one was received, by
   * our monotonic clock.
   */
  #span: { readonly first: number; readonly last: number; readonly heard: number } | undefined;
  #drawing: NodeJS.Immediate | undefined;

  constructor(surroundings: Surroundings) {
    const { stdout, env } = surroundings;
    this.#surroundings = surroundings;
    this.#paint = paintFor(stdout, env);
    this.#lines = new EventLines(this.#paint);
    this.#gauges = new Gauges(this.#paint);
    // If it hid the cursor itself, it would do so on another stream.
    this.#foot = createLogUpdate(stdout, { showCursor: true });
  }

  begin(job: ViewedJob): void {
    this.#job = job.id;
    this.#gauges.begin(job);
    this.#lines.begin(job);
    const { bold, dim } = this.#paint;
    this.#print(`${bold(printable(job.agent))}  ${dim(printable(job.id))}`);
  }

  event(event: JobEvent): void {
    this.#gauges.take(event);
    this.#clock(event);
    const line = this.#lines.of(event, widthOf(this.#surroundings.stdout));
    if (line === undefined) this.#draw();
    else this.#print(line);
  }

  connection(state: Connected): void {
    this.#gauges.connection(state);
    this.#draw();
  }

  keys(hint: string): void {
    this.#gauges.keys(hint);
    this.#draw();
  }

  note(text: string): void {
    this.#print(this.#paint.yellow(printable(text)));
  }

  end(outcome: JobOutcome): void {
    const { stdout, clock } = this.#surroundings;
    this.#waiting.push(...this.#gauges.lines(widthOf(stdout)));
    this[Symbol.dispose]();
    const span = this.#span;
    const ms = span && span.last - span.first + clock.monotonic() - span.heard;
    const took = ms === undefined ? "" : duration(ms);
    const end = `${endLine(this.#job, outcome, this.#paint)}  ${this.#paint.dim(took)}`;
    stdout.write(`${end.trimEnd()}\n`);
    const result = resultText(this.#job, outcome);
    if (result !== undefined) stdout.write(`${result}\n`);
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#drawing);
    this.#drawing = undefined;
    this.#scroll();
    this.#foot.clear();
  }

  /** A view may begin long after the job is over: then the job's end is received right after its last event. */
  #clock({ ts }: JobEvent): void {
    const at = ts === undefined ? Number.NaN : Date.parse(ts);
    if (Number.isNaN(at)) return;
    const heard = this.#surroundings.clock.monotonic();
    this.#span = { first: this.#span?.first ?? at, last: at, heard };
  }

  #print(line: string): void {
    this.#waiting.push(line);
    this.#draw();
  }

  /** Draws once for everything that happens in one turn of the event loop. */
  #draw(): void {
    this.#drawing ??= setImmediate(() => {
      this.#drawing = undefined;
      this.#scroll();
      const columns = widthOf(this.#surroundings.stdout);
      this.#foot([...this.#gauges.lines(columns), this.#gauges.state(columns)].join("\n"));
    });
  }

  #scroll(): void {
    if (this.#waiting.length > 0) this.#foot.persist(this.#waiting.splice(0).join("\n"));
  }
}
