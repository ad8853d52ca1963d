// CONFORMANCE.md: what the last run of the tests says about each requirement. `pnpm conformance` writes it, `pnpm test` compares it.
import "./require-node.mjs";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { members, root } from "./workspace.mjs";

const path = join(root, "CONFORMANCE.md");
const transports = ["memory", "ws", "stdio"];
const ways = transports.flatMap((transport) => [
  `${transport} on memory`,
  `${transport} on sqlite`,
]);
const WAY = /\b(?:memory|ws|stdio) on (?:memory|sqlite)\b/;
const ID = /\bR-(?:D|\d+(?:\.\d+)?)-\d+\b/g;

/** @returns whether the page matches the reports of the last run; prints it if not */
export async function isConformancePageCurrent() {
  if (existsSync(path) && readFileSync(path, "utf8") === (await page())) return true;
  console.error(
    "CONFORMANCE.md does not match this run: write it with `npx --yes pnpm@12.21.0 conformance`",
  );
  return false;
}

async function page() {
  const { manifest, sections, beyondTheWire, untestable } = await import(
    pathToFileURL(join(root, "packages/conformance/dist/index.js")).href
  );
  const shown = evidence();
  const rows = manifest.map((requirement) =>
    row(requirement, shown, { ...beyondTheWire, ...untestable }),
  );
  return [
    "# Conformance",
    "",
    "What the tests of this repository show about each requirement of ARCP 1.1, by transport and store. Generated from the manifest and",
    "the last run by `npx --yes pnpm@12.21.0 conformance`; `test` fails if it does not match its own run.",
    "",
    "✓: a test over this transport on this store shows the requirement. ✗: such a test failed. A dot: there is nothing to show there,",
    "such as a crash with the in-memory store, or a requirement for clients only, which are tested against scripted runtimes. The",
    "column _also_ names the packages whose own tests show the requirement, or says why it cannot be observed on the wire. The scenarios",
    "that can be run against any runtime are those of [`arcp conformance`](packages/cli/README.md).",
    "",
    ...summary(rows),
    // In the order of the manifest: an object would put keys that look like numbers first.
    ...[...new Set(manifest.map(({ section }) => section))].flatMap((section) => [
      "",
      `## ${section} ${sections[section]}`,
      "",
      `| requirement | side | memory, memory | memory, sqlite | ws, memory | ws, sqlite | stdio, memory | stdio, sqlite | also |`,
      "|---|---|---|---|---|---|---|---|---|",
      ...rows.filter(({ requirement }) => requirement.section === section).map(({ line }) => line),
    ]),
    "",
  ].join("\n");
}

function row(requirement, shown, reasons) {
  const { id, strength, side, behaviour } = requirement;
  const { over = new Map(), packages = new Set() } = shown.get(id) ?? {};
  const marks = ways.map((way) => ({ passed: "✓", failed: "✗" })[over.get(way)] ?? "·");
  const also = [...packages].sort();
  const reason = reasons[id];
  const verdict =
    marks.includes("✗") || shown.get(id)?.failed
      ? "broken"
      : marks.includes("✓") || also.length > 0
        ? "holds"
        : "not shown";
  const notes = [...also, ...(reason === undefined ? [] : [`_${reason}_`])].join("; ");
  const text = `**${id}** ${strength}. ${behaviour.replace(/[|*]|__/g, "\\$&")}`;
  return { requirement, verdict, line: `| ${text} | ${side} | ${marks.join(" | ")} | ${notes} |` };
}

function summary(rows) {
  const of = (strength, verdict) =>
    rows.filter((row) => row.requirement.strength === strength && row.verdict === verdict).length;
  return [
    "| strength | hold | broken | not shown |",
    "|---|---|---|---|",
    ...["MUST", "SHOULD", "MAY"].map(
      (strength) =>
        `| ${strength} | ${of(strength, "holds")} | ${of(strength, "broken")} | ${of(strength, "not shown")} |`,
    ),
  ];
}

/** By requirement: the outcome of the tests that name it, for each transport and store, and which packages have others that passed. */
function evidence() {
  const shown = new Map();
  for (const member of members) {
    const file = join(root, member, ".reports/vitest.json");
    if (!existsSync(file)) continue;
    const { testResults } = JSON.parse(readFileSync(file, "utf8"));
    for (const { assertionResults } of testResults) {
      for (const { fullName, status } of assertionResults) {
        if (status !== "passed" && status !== "failed") continue;
        for (const [id] of fullName.matchAll(ID)) note(shown, id, member, fullName, status);
      }
    }
  }
  return shown;
}

function note(shown, id, member, name, status) {
  const entry = shown.get(id) ?? { over: new Map(), packages: new Set(), failed: false };
  shown.set(id, entry);
  const [way] = WAY.exec(name) ?? [];
  entry.failed ||= status === "failed";
  if (way === undefined) {
    if (status === "passed") entry.packages.add(member.split("/").at(-1));
  } else if (entry.over.get(way) !== "failed") {
    entry.over.set(way, status);
  }
}

if (import.meta.main) writeFileSync(path, await page());
