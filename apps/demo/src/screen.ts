import type { WriteStream } from "node:tty";
import colours from "picocolors";
import { Bars, type Seen } from "./bars.ts";
import { digits, printable, wrap } from "./text.ts";

/** What a line is about; a terminal shows it as a mark and a colour. */
export type Tone = "plain" | "title" | "step" | "lost" | "back" | "refused" | "good" | "bad";

/** Where the demo prints. */
export interface Screen {
  /** Characters that a line may have. */
  readonly width: number;
  say(text: string, tone?: Tone): void;
  heading(text: string): void;
  /** Moves a viewer's progress bar; creates it at the first call. */
  progress(viewer: string, seen: Seen): void;
  /** Shows a viewer's connection as lost or restored. */
  connection(viewer: string, isLost: boolean): void;
  /** Ends the bars; lines can still follow. */
  settle(): void;
}

/** A terminal gets colours and moving bars. A pipe, a file, NO_COLOR and a dumb terminal get plain lines. */
export function openScreen(out: WriteStream): Screen {
  const { NO_COLOR, TERM } = process.env;
  const isFancy = out.isTTY && !NO_COLOR && TERM !== "dumb";
  return isFancy ? new Terminal(out) : new Plain(out);
}

const plainMarks: Record<Tone, string> = {
  plain: "    ",
  title: "    ",
  step: "--  ",
  lost: "xx  ",
  back: "->  ",
  refused: "no  ",
  good: "ok  ",
  bad: "BAD ",
};

class Plain implements Screen {
  readonly width = 80;
  readonly #out: WriteStream;
  /** What was last printed of each viewer: a line for each tenth, and for each remark on the remainder at the end. */
  readonly #told = new Map<string, string>();

  constructor(out: WriteStream) {
    this.#out = out;
  }

  say(text: string, tone: Tone = "plain"): void {
    this.#out.write(`${`${plainMarks[tone]}${printable(text)}`.trimEnd()}\n`);
  }

  heading(text: string): void {
    this.#out.write(`\n${printable(text)}\n`);
  }

  progress(viewer: string, { current, total, credits }: Seen): void {
    const tenth = Math.floor((10 * current) / total);
    const news = tenth < 10 ? `${tenth}` : `${tenth} ${credits}`;
    if (news === this.#told.get(viewer)) return;
    this.#told.set(viewer, news);
    const share = `${tenth * 10} %`.padStart(5);
    this.say(
      `${viewer.padEnd(5)} ${share}  ${digits(current)}/${digits(total)} files, ${credits} credits left`,
    );
  }

  connection(): void {}
  settle(): void {}
}

const { bold, cyan, dim, green, magenta, red } = colours.createColors(true);

const marks: Record<Tone, { mark: string; paint: (text: string) => string }> = {
  plain: { mark: " ", paint: String },
  title: { mark: " ", paint: cyan },
  step: { mark: "•", paint: dim },
  lost: { mark: "✂", paint: red },
  back: { mark: "↻", paint: green },
  refused: { mark: "⊘", paint: magenta },
  good: { mark: "✓", paint: green },
  bad: { mark: "✗", paint: (text) => bold(red(text)) },
};

class Terminal implements Screen {
  readonly #out: WriteStream;
  readonly #bars: Bars;

  constructor(out: WriteStream) {
    this.#out = out;
    this.#bars = new Bars(out);
  }

  get width(): number {
    return Math.max(Math.min(this.#out.columns, 100) - 4, 40);
  }

  say(text: string, tone: Tone = "plain"): void {
    const { mark, paint } = marks[tone];
    for (const [i, line] of wrap(printable(text), this.width).entries()) {
      this.#bars.above(paint(` ${i === 0 ? mark : " "} ${line}`));
    }
  }

  heading(text: string): void {
    this.#bars.above("");
    this.#bars.above(bold(printable(text)));
  }

  progress(viewer: string, seen: Seen): void {
    this.#bars.move(viewer, seen);
  }

  connection(viewer: string, isLost: boolean): void {
    this.#bars.connection(viewer, isLost);
  }

  settle(): void {
    this.#bars.stop();
  }
}
