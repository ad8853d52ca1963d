import { PassThrough } from "node:stream";
import type { JobEvent } from "@arcp/client";
import { systemClock } from "@arcp/core";
import { expect, test } from "vitest";
import { surroundings } from "../surroundings.ts";
import { TerminalView } from "./terminal-view.ts";

test("a job's duration runs to its end, and not to its last event", () => {
  let monotonic = 1_000;
  const stdout = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns: 80 });
  const clock = { ...systemClock, monotonic: () => monotonic };
  const view = new TerminalView(surroundings({ stdout, env: { NO_COLOR: "1" }, clock }));
  view.begin({ id: "job_1", agent: "slow", lease: {}, budget: {} });
  const started = { kind: "status", body: { phase: "running" }, ts: "2026-01-31T09:00:00.000Z" };
  view.event(started as JobEvent);
  view.event({ ...started, ts: "2026-01-31T09:00:02.500Z" } as JobEvent);
  monotonic += 10_000;
  view.end({ status: "success", result: null, summary: undefined });
  expect(stdout.read()).toContain("✔ job_1 succeeded  12.5 s\n");
});
