import { formatNumber, formatSpread } from "./figures.ts";
import type { GoalOutcome, ScenarioReport } from "./report.ts";
import { align } from "./table.ts";

const VERDICTS = {
  aim: "holds, and the aim is reached",
  must: "holds, but the aim is missed",
  missed: "IS MISSED",
} as const;

/** A report for a terminal: a table of the targets, then whether the goals hold. */
export function reportText(report: ScenarioReport): string {
  const { size, rounds, metrics, targets, goals, warnings } = report;
  const header = ["", ...metrics.map(({ name, unit }) => `${name}, ${unit}`)];
  const rows = Object.entries(targets).map(([target, figures]) => [
    target,
    ...metrics.map(({ name, digits }) => formatSpread(figures[name], digits)),
  ]);
  return [
    `${report.id}: ${report.title}`,
    `${size.measured} measured after ${size.warmUp} for warm-up; rounds: ${rounds}; median (min to max)`,
    "",
    ...align([header, ...rows]),
    "",
    ...goals.map(goalText),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

/** What a goal requires, such as `at least 1 x, aim 1.6`. */
export function boundsText({
  better,
  must,
  aim,
  unit,
  digits,
}: Omit<GoalOutcome, "reached" | "verdict">): string {
  const bound = better === "higher" ? "at least" : "at most";
  return `${bound} ${formatNumber(must, digits)} ${unit}, aim ${formatNumber(aim, digits)}`;
}

function goalText(goal: GoalOutcome): string {
  const reached = `${formatSpread(goal.reached, goal.digits)} ${goal.unit}`;
  return `${goal.id}: ${goal.title}: ${reached}: ${VERDICTS[goal.verdict]} (${boundsText(goal)})`;
}
