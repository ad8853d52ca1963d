import { sections } from "../manifest/section.ts";
import type { Outcome, Report, Verdict } from "./report.ts";

/** How wide a report is, and how its text is highlighted. */
export interface ReportStyle {
  /** Characters per line, at most. Default 100. */
  readonly width?: number;
  /** Highlights a success. */
  readonly good?: (text: string) => string;
  /** Highlights a failure. */
  readonly bad?: (text: string) => string;
  /** Dims what matters less. */
  readonly dim?: (text: string) => string;
}

const same = (text: string): string => text;

/** The report for people: a table by section, each failure with its frames, and what was not run. */
export function reportText(report: Report, style: ReportStyle = {}): string {
  const { good = same, bad = same, dim = same, width = 100 } = style;
  const blocks = [
    table(report.verdicts, { good, bad, dim }, width),
    ...report.outcomes
      .filter((outcome) => outcome.kind === "failed")
      .map((failure) => failureText(failure, { bad, dim })),
    notRun(report.verdicts, dim),
    summary(report, { good, bad }),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

type Paint = Required<Pick<ReportStyle, "good" | "bad" | "dim">>;

function table(verdicts: readonly Verdict[], { good, bad, dim }: Paint, width: number): string {
  const shown = new Set(verdicts.map(({ requirement }) => requirement.section));
  const rows = [...shown].map((section) => {
    const own = verdicts.filter(({ requirement }) => requirement.section === section);
    const of = (kind: Verdict["kind"]) => own.filter((verdict) => verdict.kind === kind).length;
    const [holds, broken, open] = [of("holds"), of("broken"), of("not-run")];
    const title = `${section.padEnd(4)} ${sections[section]}`;
    const room = width - COLUMNS;
    return [
      title.length > room ? `${title.slice(0, room - 1)}…` : title.padEnd(room),
      paint(holds, good, dim),
      paint(broken, bad, dim),
      paint(open, dim, dim),
    ].join("");
  });
  const head = `${"section".padEnd(width - COLUMNS)}${["holds", "broken", "not run"]
    .map((title) => title.padStart(COLUMN))
    .join("")}`;
  return [dim(head), ...rows].join("\n");
}

/** Characters of one column of numbers, and of all three. */
const COLUMN = 9;
const COLUMNS = 3 * COLUMN;

function paint(count: number, some: (text: string) => string, none: (text: string) => string) {
  const text = `${count === 0 ? "-" : count}`.padStart(COLUMN);
  return count === 0 ? none(text) : some(text);
}

function failureText(
  { scenario, message, broken, frames }: Extract<Outcome, { kind: "failed" }>,
  { bad, dim }: Omit<Paint, "good">,
): string {
  return [
    bad(`broken: ${broken.join(", ")}`),
    `  ${scenario.name}`,
    indented(message),
    ...frames.map((connection, index) =>
      dim(`  connection ${index + 1} (-> by the kit, <- by the runtime):\n${indented(connection)}`),
    ),
  ].join("\n");
}

/** The requirements that no scenario could show, by reason. */
function notRun(verdicts: readonly Verdict[], dim: (text: string) => string): string {
  const reasons = new Map<string, string[]>();
  for (const verdict of verdicts) {
    if (verdict.kind !== "not-run") continue;
    const ids = reasons.get(verdict.why) ?? [];
    reasons.set(verdict.why, [...ids, verdict.requirement.id]);
  }
  if (reasons.size === 0) return "";
  const lines = [...reasons].map(([why, ids]) => dim(`  ${why}: ${ids.join(", ")}`));
  return ["not run:", ...lines].join("\n");
}

function summary({ verdicts, facts, ms }: Report, { good, bad }: Omit<Paint, "dim">): string {
  const count = (fits: (verdict: Verdict) => boolean) => verdicts.filter(fits).length;
  const broken = (strength: string) =>
    count(({ kind, requirement }) => kind === "broken" && requirement.strength === strength);
  const wrong = (["MUST", "SHOULD", "MAY"] as const)
    .map((strength) => [broken(strength), strength] as const)
    .filter(([number]) => number > 0)
    .map(([number, strength]) => `${number} ${strength}`);
  const paint = wrong.length === 0 ? good : bad;
  const verdict = wrong.length === 0 ? "nothing is broken" : `broken: ${wrong.join(", ")}`;
  const held = count(({ kind }) => kind === "holds");
  const seconds = (ms / 1000).toFixed(1);
  return `${facts.runtime}: ${held} of ${verdicts.length} requirements hold, ${paint(verdict)}, in ${seconds} s`;
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
