import { formatNumber } from "./figures.ts";
import type { GoalOutcome } from "./report.ts";
import type { Result } from "./results.ts";

const TITLE = "Results as multiples of what is required";
const ROW = 26;
const TOP = 56;
const LABELS = 64;
const BARS = 460;
const FIGURES = 200;
const WIDTH = LABELS + BARS + FIGURES;
/** The range of the axis, in multiples of what must be reached. */
const [LEAST, MOST] = [0.5, 16];
const COLOURS = { aim: "#2a7f62", must: "#d9a441", missed: "#b23a48" } as const;

/** One bar for each goal: how many times better than it must be, on a logarithmic axis. */
export function chartOf(results: readonly Result[]): string {
  const goals = results.flatMap((result) => result.goals);
  const height = TOP + goals.length * ROW + 12;
  const ticks = [0.5, 1, 2, 4, 8, 16];
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${TITLE}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="8" y="18" font-size="14" font-weight="600">${TITLE}</text>`,
    ...ticks.flatMap((tick) => [
      `<line x1="${place(tick)}" y1="${TOP - 12}" x2="${place(tick)}" y2="${height - 12}" stroke="${tick === 1 ? "#222222" : "#dddddd"}"/>`,
      `<text x="${place(tick)}" y="${TOP - 16}" text-anchor="middle" fill="#555555">${tick === 1 ? "required" : `${tick} x`}</text>`,
    ]),
    ...goals.flatMap((goal, row) => bar(goal, TOP + row * ROW)),
    "</svg>",
  ].join("\n")}\n`;
}

function bar(goal: GoalOutcome, top: number): string[] {
  const { reached, verdict } = goal;
  const from = place(1);
  const to = place(times(goal, reached.median));
  const [low, high] = [reached.min, reached.max]
    .map((value) => place(times(goal, value)))
    .toSorted((a, b) => a - b);
  const aim = place(times(goal, goal.aim));
  const middle = top + ROW / 2;
  const figure = `${formatNumber(reached.median, goal.digits)} ${goal.unit}`;
  return [
    `<text x="8" y="${middle + 4}">${goal.id}</text>`,
    `<rect x="${Math.min(from, to)}" y="${top + 6}" width="${Math.max(1, Math.abs(to - from))}" height="${ROW - 12}" fill="${COLOURS[verdict]}"/>`,
    `<line x1="${low}" y1="${middle}" x2="${high}" y2="${middle}" stroke="#222222"/>`,
    `<line x1="${aim}" y1="${top + 3}" x2="${aim}" y2="${top + ROW - 3}" stroke="#3355aa" stroke-width="2" stroke-dasharray="3 2"><title>aim</title></line>`,
    `<text x="${LABELS + BARS + 12}" y="${middle + 4}" fill="#222222">${figure} (${goal.better === "higher" ? "at least" : "at most"} ${formatNumber(goal.must, goal.digits)})</text>`,
  ];
}

/** How many times better than it must be. */
function times({ better, must }: GoalOutcome, value: number): number {
  return better === "higher" ? value / must : must / value;
}

function place(value: number): number {
  const within = Math.min(MOST, Math.max(LEAST, value));
  const share = Math.log(within / LEAST) / Math.log(MOST / LEAST);
  return Math.round((LABELS + share * BARS) * 10) / 10;
}
