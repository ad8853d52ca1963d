import { type Clock, jobStatuses, type Timer } from "@arcp/core";
import { createLogUpdate } from "log-update";
import type { Surroundings } from "../surroundings.ts";
import { type Paint, paintFor, widthOf } from "../terminal.ts";
import { printable } from "../view/printable.ts";
import { JOB_TITLES, type JobRow, jobCells, jobJson } from "./job-row.ts";
import { table } from "./table.ts";

/** How jobs are shown while they change. */
export interface JobView extends Disposable {
  /** A job was added, or has changed. */
  show(row: JobRow): void;
  /** A job no longer matches what the user asked for. */
  hide(row: JobRow): void;
}

/** A table of the latest jobs at the foot of a terminal, redrawn as they change. */
export class TableView implements JobView {
  readonly #stdout: Surroundings["stdout"];
  readonly #clock: Clock;
  readonly #paint: Paint;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #limit: number;
  readonly #rows = new Map<string, JobRow>();
  #drawing: NodeJS.Immediate | undefined;
  /** Ages change even if nothing else does. */
  #tick: Timer;

  /** @param limit the most rows; a lower terminal shows fewer */
  constructor({ stdout, env, clock }: Surroundings, limit: number) {
    this.#stdout = stdout;
    this.#clock = clock;
    this.#paint = paintFor(stdout, env);
    // If it hid the cursor itself, it would do so on another stream.
    this.#draw = createLogUpdate(stdout, { showCursor: true });
    this.#limit = limit;
    this.#tick = this.#ticking();
    this.#redraw();
  }

  show(row: JobRow): void {
    this.#rows.set(row.id, row);
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= this.#limit) break;
      this.#rows.delete(id);
    }
    this.#redraw();
  }

  hide({ id }: JobRow): void {
    if (this.#rows.delete(id)) this.#redraw();
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#drawing);
    this.#tick.cancel();
    this.#render();
    this.#draw.done();
  }

  #ticking(): Timer {
    return this.#clock.after(1000, () => {
      this.#tick = this.#ticking();
      this.#redraw();
    });
  }

  /** Draws once for everything that happens in one turn of the event loop. */
  #redraw(): void {
    this.#drawing ??= setImmediate(() => this.#render());
  }

  #render(): void {
    this.#drawing = undefined;
    const now = this.#clock.now();
    // One line is for the foot, and one for the cursor.
    const lines = Math.max(1, (this.#stdout.rows ?? 24) - 2);
    const latest = [...this.#rows.values()].slice(-lines);
    const cells = latest.map((row) => jobCells(row, now, this.#paint));
    const [titles = "", ...rows] = table(JOB_TITLES, cells, widthOf(this.#stdout), this.#paint);
    const height = titles.split("\n").length;
    const room = Math.max(1, Math.floor(lines / height) - 1);
    const foot = `${this.#paint.green("●")} following  ${this.#paint.dim("Ctrl-C ends it")}`;
    this.#draw([titles, ...rows.slice(-room), foot].join("\n"));
  }
}

/** Writes a line for each change of a job's state, as JSON or words. */
export class LineView implements JobView {
  readonly #stdout: Surroundings["stdout"];
  readonly #json: boolean;
  readonly #told = new Map<string, string>();

  constructor({ stdout }: Surroundings, json: boolean) {
    this.#stdout = stdout;
    this.#json = json;
  }

  show(row: JobRow): void {
    if (this.#told.get(row.id) === row.status) return;
    this.#told.set(row.id, row.status);
    this.#stdout.write(`${this.#json ? jobJson(row) : jobText(row)}\n`);
  }

  /** What was written stays. */
  hide(): void {}

  [Symbol.dispose](): void {}
}

function jobText({ id, status, agent }: JobRow): string {
  return [printable(id), printable(status).padEnd(WIDEST), printable(agent)].join("  ");
}

const WIDEST = Math.max(...jobStatuses.map((status) => status.length));
