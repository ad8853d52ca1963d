import type { Attempt } from "../trespasser.ts";
import type { Escape } from "./escape.ts";

const LEASE = {
  "cost.budget": ["USD:1.00"],
  "tool.call": ["ocr.*"],
  "fs.read": ["$W/**"],
  "fs.write": ["out/*"],
  "net.fetch": ["$O/open/**"],
  "model.use": ["mistral/*"],
  "agent.delegate": ["trespasser"],
};
const operations: ReadonlyArray<readonly [string, Attempt]> = [
  ["a tool", { op: "tool.call", name: "ocr.page" }],
  ["a file", { op: "fs.read", path: "open.txt" }],
  ["a directory", { op: "fs.list", path: "." }],
  ["what a file is", { op: "fs.stat", path: "open.txt" }],
  ["writing a file", { op: "fs.write", path: "out/a.txt" }],
  ["a URL", { op: "fetch", url: "$O/open/a" }],
  ["the word for a URL", { op: "authorize", capability: "net.fetch", target: "$O/open/a" }],
  ["a model", { op: "model", id: "mistral/large-3" }],
  ["a reservation", { op: "reserve", amounts: { USD: "0.1" } }],
  ["a child", { op: "delegate" }],
];

/** What was allowed a moment before, and comes too late. */
export const late: readonly Escape[] = (
  [
    ["cancel", "CANCELLED"],
    ["expire", "LEASE_EXPIRED"],
  ] as const
).flatMap(([meanwhile, code]) =>
  operations.map(([what, attempt]) => ({
    what: `${what} after ${meanwhile === "cancel" ? "the cancel" : "the lease expired"}`,
    code,
    lease: LEASE,
    allowed: [attempt, { op: "outlast" }],
    tries: [attempt],
    expiresInSec: 60,
    meanwhile,
  })),
);
