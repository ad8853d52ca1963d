import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatNumber, formatSpread } from "./figures.ts";
import { machineText } from "./machine.ts";
import type { ProfileRow } from "./profile.ts";
import { remarksIn } from "./remarks.ts";
import { boundsText } from "./report-text.ts";
import type { Result } from "./results.ts";
import { chartOf } from "./results-chart.ts";

const BENCH = join(import.meta.dirname, "..");
export const PAGE = join(BENCH, "RESULTS.md");
export const CHART = join(BENCH, "results/chart.svg");
/** Handwritten remarks on a scenario: above all what the profile shows if an aim is missed. */
const REMARKS = join(BENCH, "results/remarks.md");

const VERDICTS = { aim: "aim reached", must: "holds", missed: "**missed**" } as const;

export function readRemarks(): ReadonlyMap<string, string> {
  return remarksIn(readFileSync(REMARKS, "utf8"));
}

/** Writes the page and its chart. */
export function writePage(results: readonly Result[]): void {
  writeFileSync(PAGE, pageOf(results, readRemarks()));
  writeFileSync(CHART, chartOf(results));
}

/** The page, as Markdown. @param remarks by scenario */
export function pageOf(results: readonly Result[], remarks: ReadonlyMap<string, string>): string {
  return `${[
    "# Results",
    "Written by `npx --yes pnpm@12.21.0 bench --profile --write`. What each scenario does, and what it is compared with, is described in the [README](README.md). Every figure is the median of several rounds, with the minimum and the maximum in parentheses. In each round the targets run one right after the other, in fresh processes. On another machine the figures differ, but the ratios should differ little. `x` is a ratio; a goal *holds* if what is required is reached, and *aim reached* means that the aim is reached as well.",
    "![Results as multiples of what is required](results/chart.svg)",
    goalTable(results),
    ...results.map((result) => section(result, remarks.get(result.id))),
  ].join("\n\n")}\n`;
}

function goalTable(results: readonly Result[]): string {
  return table([
    ["", "scenario", "what is compared", "required", "reached", ""],
    ...results.flatMap(({ title, goals }) =>
      goals.map((goal) => [
        goal.id,
        title,
        goal.title,
        boundsText(goal),
        `${formatSpread(goal.reached, goal.digits)} ${goal.unit}`,
        VERDICTS[goal.verdict],
      ]),
    ),
  ]);
}

function section(result: Result, remark: string | undefined): string {
  const { id, title, size, rounds, metrics, targets, warnings, machine, profile } = result;
  const shown = metrics.filter(({ name }) =>
    Object.values(targets).some((figures) => figures[name] !== undefined),
  );
  const count = `${formatNumber(size.measured, 0)} measured after ${formatNumber(size.warmUp, 0)} for warm-up; ${rounds} rounds; ${machine.date}; ${machineText(machine)}.`;
  return [
    `## ${id}: ${title}`,
    count,
    table([
      ["", ...shown.map(({ name, unit }) => `${name}, ${unit}`)],
      ...Object.entries(targets).map(([target, figures]) => [
        target,
        ...shown.map(({ name, digits }) => formatSpread(figures[name], digits)),
      ]),
    ]),
    ...(remark === undefined ? [] : [remark]),
    ...(profile === undefined ? [] : [profileMarkdown(profile)]),
    ...(warnings.length === 0 ? [] : [warnings.map((warning) => `- ${warning}`).join("\n")]),
  ].join("\n\n");
}

function profileMarkdown(profile: readonly ProfileRow[]): string {
  const rows = profile.map(({ name, file, share }) => [
    `\`${name}\``,
    file === "" ? "" : `\`${file}\``,
    `${formatNumber(share * 100, 1)} %`,
  ]);
  return [
    "Where the server spends its time (`runtime`, self time):",
    table([["function", "file", "share"], ...rows]),
  ].join("\n\n");
}

function table(rows: readonly (readonly string[])[]): string {
  const [header = [], ...body] = rows;
  return [header, header.map(() => "---"), ...body]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}
