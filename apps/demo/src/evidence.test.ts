import { expect, test } from "vitest";
import type { AuditLine } from "./audit-report.ts";
import { checks, type Evidence } from "./evidence.ts";
import type { Sighting, View } from "./sequence-check.ts";

const event = (seq: number): Sighting => ({
  seq,
  jobSeq: seq,
  content: { type: "job.event", job_seq: seq },
});
const end: Sighting = { seq: 3, jobSeq: 3, content: { type: "job.result", job_seq: 3 } };
const handed = [
  { seq: 1, jobSeq: 1 },
  { seq: 2, jobSeq: 2 },
];
const alice: View = { name: "alice", connections: [[event(1)], [event(2), end]], handed };
const bob: View = { name: "bob", connections: [[event(1), event(2), end]], handed };
const summary: AuditLine = {
  line: "summary",
  root: "/tree",
  files: 7,
  lines: 1,
  bytes: 1,
  links: 0,
  unreadable: 0,
  todos: 0,
  complete: true,
};
const probe: AuditLine = { line: "probe", path: "/etc/passwd", refused: "PERMISSION_DENIED" };
const good: Evidence = {
  alice,
  bob,
  report: [summary, probe],
  budget: 1,
  credits: { alice: 0.93, bob: 0.93 },
  missed: 1,
};

/** Which of the six checks fail. */
const failing = (evidence: Partial<Evidence>) =>
  checks({ ...good, ...evidence }).flatMap(({ faults }, i) => (faults.length > 0 ? [i] : []));

test("a run without faults passes", () => {
  expect(failing({})).toEqual([]);
});

test("a run without a drop, or with a drop that nobody could notice, fails", () => {
  expect(failing({ alice: { ...bob, name: "alice" } })).toEqual([0]);
  expect(failing({ missed: 0 })).toEqual([0]);
});

test("a fault in either view fails", () => {
  const repeated = [[event(1)], [event(1), event(2), end]];
  expect(failing({ alice: { ...alice, connections: repeated } })).toContain(1);
  expect(failing({ bob: { ...bob, connections: repeated } })).toContain(2);
  expect(failing({ bob: { ...bob, handed: [] } })).toEqual([2]);
});

test("views that differ fail", () => {
  const other = { ...event(2), content: { type: "job.event", job_seq: 2, more: true } };
  expect(failing({ bob: { ...bob, connections: [[event(1), other, end]] } })).toEqual([3]);
});

test("a probe that was not tried, not refused, or refused otherwise fails", () => {
  expect(failing({ report: [summary, { line: "probe", path: "/etc/passwd" }] })).toEqual([4]);
  expect(failing({ report: [summary, { ...probe, refused: "BUDGET_EXHAUSTED" }] })).toEqual([4]);
  expect(failing({ report: [summary] })).toEqual([4]);
});

test("R-9.6-11: a budget that is off by the smallest binary step fails", () => {
  expect(failing({ credits: { alice: 1 - 7 * 0.01, bob: 0.93 } })).toEqual([5]);
  expect(failing({ credits: { alice: 0.93, bob: 0.94 } })).toEqual([5]);
});
