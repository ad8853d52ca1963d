import type { WriteStream } from "node:tty";
import { MultiBar, type SingleBar } from "cli-progress";
import colours from "picocolors";
import { digits } from "./text.ts";

/** How much of the job a viewer has seen. */
export interface Seen {
  readonly current: number;
  readonly total: number;
  /** Credits left, as last reported by the runtime. */
  readonly credits: number;
}

interface Row {
  readonly bar: SingleBar;
  seen: Seen;
  isLost: boolean;
}

const { cyan, dim, green, red, yellow } = colours.createColors(true);
const WIDEST = 40;

/** A moving progress bar for each viewer at the foot of a terminal; lines of text go above them. */
export class Bars {
  readonly #out: WriteStream;
  readonly #rows = new Map<string, Row>();
  #bars: MultiBar | undefined;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  move(viewer: string, seen: Seen): void {
    const row = this.#rows.get(viewer) ?? this.#add(viewer, seen);
    row.seen = seen;
    row.bar.update(seen.current);
  }

  /** Shows a connection as lost or restored. */
  connection(viewer: string, isLost: boolean): void {
    const row = this.#rows.get(viewer);
    if (row !== undefined) row.isLost = isLost;
  }

  /** Prints a line above the bars, which must fit the terminal's width. */
  above(line: string): void {
    if (this.#bars === undefined) this.#out.write(`${line}\n`);
    // What a bar left on the rest of the line must be cleared.
    else this.#bars.log(`${line}\u001b[K\n`);
  }

  /** Leaves the bars as they are and ends them. */
  stop(): void {
    // Only an update writes lines that still wait.
    this.#bars?.update();
    this.#bars?.stop();
    this.#bars = undefined;
    for (const viewer of this.#rows.keys()) this.#out.write(`${this.#render(viewer)}\n`);
    this.#rows.clear();
  }

  #add(viewer: string, seen: Seen): Row {
    this.#bars ??= new MultiBar({
      stream: this.#out,
      fps: 20,
      hideCursor: true,
      // A line that went above the bars has overwritten them.
      forceRedraw: true,
      // Its own final drawing would cut lines short, since it counts colour codes as characters.
      clearOnComplete: true,
      format: (_options, _params, { viewer }: { viewer: string }) => this.#render(viewer),
    });
    const row = { bar: this.#bars.create(seen.total, 0, { viewer }), seen, isLost: false };
    this.#rows.set(viewer, row);
    return row;
  }

  #render(viewer: string): string {
    const row = this.#rows.get(viewer);
    // The bar is drawn once before it is registered here.
    if (row === undefined) return "";
    const { current, total, credits } = row.seen;
    const name = ` ${viewer.padEnd(5)} `;
    const share = ` ${String(Math.floor((100 * current) / total)).padStart(3)} %  `;
    const files = `${digits(current)}/${digits(total)}`;
    const left = `  ${credits} credits left`;
    const tail = row.isLost ? "connection lost" : files + left;
    const rest = name.length + share.length + Math.max(files.length + left.length, 15);
    const size = Math.min(WIDEST, Math.max(4, this.#out.columns - rest - 1));
    const full = Math.round((size * current) / total);
    const paint = row.isLost ? red : current === total ? green : cyan;
    const drawn = paint("█".repeat(full)) + dim("░".repeat(size - full));
    return name + drawn + share + (row.isLost ? red(tail) : files + yellow(left));
  }
}
