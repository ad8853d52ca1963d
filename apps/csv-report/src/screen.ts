import { MultiBar, type SingleBar } from "cli-progress";
import colours from "picocolors";

/** Where the story is printed. */
export interface Screen {
  say(line: string): void;
  progress(rows: number): void;
  /** Ends the bar; lines can still follow. */
  settle(): void;
}

/** A terminal gets a moving bar below the lines, anything else a line for each tenth. */
export function openScreen(total: number): Screen {
  return process.stdout.isTTY && process.env["TERM"] !== "dumb" ? withBar(total) : plain(total);
}

function withBar(total: number): Screen {
  const bars = new MultiBar({
    format: `${colours.cyan("{bar}")} {value}/{total} rows`,
    barsize: 24,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    // A line that went above the bar has overwritten it.
    forceRedraw: true,
  });
  let bar: SingleBar | undefined;
  return {
    // What the bar left on the rest of the line must be cleared.
    say: (line) => (bar === undefined ? console.log(line) : bars.log(`${line}\u001b[K\n`)),
    progress(rows) {
      bar ??= bars.create(total, 0);
      bar.update(rows);
    },
    settle() {
      bars.stop();
      bar = undefined;
    },
  };
}

function plain(total: number): Screen {
  let told = 0;
  return {
    say: (line) => console.log(line),
    progress(rows) {
      const tenth = Math.floor((10 * rows) / total);
      // The second client gets everything from the start.
      if (tenth === told) return;
      told = tenth;
      console.log(`  ${rows}/${total} rows`);
    },
    settle() {},
  };
}
