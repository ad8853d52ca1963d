import "./require-node.mjs";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { members, root } from "./workspace.mjs";

const reportOf = (member) => join(root, member, ".reports/vitest.json");

export function removeReports() {
  for (const member of members) rmSync(reportOf(member), { force: true });
}

/** Prints what failed, then the totals of all packages as the last line. @returns false if something failed or left no report */
export function summarise() {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  let sound = true;
  for (const member of members) {
    if (!existsSync(reportOf(member))) {
      if (!hasTests(member)) continue;
      console.error(`${member} has tests and left no report`);
      sound = false;
      continue;
    }
    const report = JSON.parse(readFileSync(reportOf(member), "utf8"));
    tally.passed += report.numPassedTests;
    tally.failed += report.numFailedTests + report.testResults.filter(brokeOutsideItsTests).length;
    tally.skipped += report.numPendingTests + report.numTodoTests;
    for (const file of report.testResults) printFailures(file);
    sound &&= report.success;
  }
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : "";
  console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
  return sound && tally.failed === 0;
}

// The runner printed them too, but mixed with the output of other packages.
function printFailures(file) {
  const where = relative(root, file.name);
  if (brokeOutsideItsTests(file)) console.log(`failed: ${where}\n${file.message}`);
  for (const { status, fullName, failureMessages } of file.assertionResults) {
    if (status !== "failed") continue;
    const lines = failureMessages.join("\n").split("\n");
    const ours = lines.filter((line) => !line.includes("/node_modules/"));
    console.log(`failed: ${where} > ${fullName}\n${ours.join("\n")}`);
  }
}

function hasTests(member) {
  const source = join(root, member, "src");
  return (
    existsSync(source) &&
    readdirSync(source, { recursive: true }).some((file) => file.endsWith(".test.ts"))
  );
}

// A file that does not load, or whose hooks fail, may have no failed test to count.
function brokeOutsideItsTests({ status, assertionResults }) {
  return status === "failed" && !assertionResults.some((test) => test.status === "failed");
}
