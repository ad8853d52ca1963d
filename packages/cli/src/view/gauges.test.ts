import type { JobEvent } from "@arcp/client";
import pc from "picocolors";
import { expect, test } from "vitest";
import { Gauges } from "./gauges.ts";

const metric = (name: string, value: number, unit: string): JobEvent => ({
  kind: "metric",
  body: { name, value, unit },
  seq: 1,
  jobSeq: 1,
  ts: undefined,
});

test("the rest of a budget is exact, even if only costs were reported since", () => {
  const gauges = new Gauges(pc.createColors(false));
  const left = () => gauges.lines(80).join().replace(/.*% +/, "");
  // A later view starts from what remains, then learns of each cost.
  gauges.begin({ id: "", agent: "", lease: { "cost.budget": ["USD:2.00"] }, budget: { USD: 1.5 } });
  expect(left()).toBe("2 of 2 USD left");
  gauges.take(metric("cost.model", 0.03, "USD"));
  gauges.take(metric("cost.model", 0.03, "USD"));
  expect(left()).toBe("1.94 of 2 USD left");
  gauges.take(metric("cost.budget.remaining", 1.9, "USD"));
  expect(left()).toBe("1.9 of 2 USD left");
  gauges.take(metric("cost.model", 0.1, "USD"));
  gauges.take(metric("cost.model", 1, "EUR"));
  gauges.take(metric("tokens", 1, "USD"));
  expect(left()).toBe("1.8 of 2 USD left");
});
