import { type Lease, ManualClock } from "@arcp/core";
import Big from "big.js";
import { describe, expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { Expiry } from "./expiry.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";

function setUp(
  json: Lease = { "fs.read": ["/work/**"], "cost.budget": ["EUR:1"] },
  lifetime?: number,
) {
  const clock = new ManualClock();
  const outcome = compileLease(json);
  if (!outcome.ok) throw new Error(outcome.problem);
  const { lease } = outcome;
  const budget = new Budget(lease.budget);
  const job = { active: true };
  const expiry =
    lifetime === undefined ? undefined : new Expiry(clock, clock.now() + lifetime, clock.now());
  const guard = new Guard({ lease, budget, expiry, isActive: () => job.active });
  const code = (target = "/work/a") => guard.check("fs.read", target)?.code;
  return { clock, budget, job, guard, code };
}

test("R-9.3-2: what is covered passes; the rest is denied with what was asked and what is granted", () => {
  const { guard } = setUp({ "fs.read": ["/work/**", "/srv/*"] });
  expect(guard.check("fs.read", "/work/a")).toBeUndefined();
  expect(guard.check("fs.read", "/etc/passwd")).toMatchObject({
    code: "PERMISSION_DENIED",
    message: "fs.read does not cover /etc/passwd; the lease grants /work/**, /srv/*",
    retryable: false,
  });
  expect(() => guard.authorize("fs.read", "/work/a")).not.toThrow();
  expect(() => guard.authorize("fs.read", "/etc/passwd")).toThrow(
    guard.check("fs.read", "/etc/passwd"),
  );
  expect(guard.check("tool.call", "rm")).toMatchObject({
    code: "PERMISSION_DENIED",
    message: "tool.call does not cover rm; the lease grants nothing",
  });
});

test("R-9.3-1: the checks come in order: active, expiry, budgets, coverage", () => {
  const { clock, budget, job, code } = setUp(undefined, 1000);
  clock.advance(1000);
  budget.spend("EUR", new Big(1));
  job.active = false;
  expect(code("/etc")).toBe("CANCELLED");
  job.active = true;
  expect(code("/etc")).toBe("LEASE_EXPIRED");
  const fresh = setUp(undefined, 1000);
  fresh.budget.spend("EUR", new Big(1));
  expect(fresh.code("/etc")).toBe("BUDGET_EXHAUSTED");
  expect(setUp().code("/etc")).toBe("PERMISSION_DENIED");
  expect(setUp().code()).toBeUndefined();
});

describe("expiry", () => {
  test("R-9.5-2: takes effect at the exact instant", () => {
    const { clock, guard, code } = setUp(undefined, 1000);
    clock.advance(999);
    expect(code()).toBeUndefined();
    clock.advance(1);
    expect(guard.check("fs.read", "/work/a")).toMatchObject({
      code: "LEASE_EXPIRED",
      message: "fs.read on /work/a is refused: the lease expired at 2026-01-01T00:00:01.000Z",
      retryable: false,
    });
  });

  test("R-9.5-5: is not extended when the wall clock is set back", () => {
    const { clock, code } = setUp(undefined, 1000);
    clock.jump(-3_600_000);
    clock.advance(999);
    expect(code()).toBeUndefined();
    clock.advance(1);
    expect(code()).toBe("LEASE_EXPIRED");
  });

  test("R-9.5-2: comes at once when the wall clock is set forward past it", () => {
    const { clock, code } = setUp(undefined, 1000);
    clock.jump(1000);
    expect(code()).toBe("LEASE_EXPIRED");
  });

  test("a lease without expiry does not expire", () => {
    const { clock, code } = setUp();
    clock.advance(2 ** 45);
    expect(code()).toBeUndefined();
  });
});

describe("budgets", () => {
  test("R-9.6-6: an exhausted counter blocks every namespace, and the error says how much is left", () => {
    const { budget, guard } = setUp({ "tool.call": ["*"], "cost.budget": ["EUR:2", "USD:1"] });
    budget.spend("EUR", new Big(2.15));
    expect(guard.check("tool.call", "ocr")).toMatchObject({
      code: "BUDGET_EXHAUSTED",
      message: "tool.call on ocr is refused: -0.15 EUR remain and must be above zero",
      retryable: false,
    });
    expect(guard.check("model.use", "x")?.code).toBe("BUDGET_EXHAUSTED");
  });

  test("R-9.6-6: any amount above zero is enough, however small", () => {
    const { budget, code } = setUp();
    budget.spend("EUR", new Big(0.9999999999999999));
    expect(code()).toBeUndefined();
  });
});

test.each([[["ocr.page"]], [{ toString: () => "ocr.page" }], [5], [undefined]])(
  "%j is never covered by a lease, whatever it looks like as text",
  (target) => {
    const { guard } = setUp({ "tool.call": ["**"] });
    expect(guard.check("tool.call", target as string)?.code).toBe("INVALID_REQUEST");
  },
);

test("R-5.3-6: a very long target does not make a very long message", () => {
  const { guard } = setUp({ "tool.call": Array.from({ length: 500 }, (_, i) => `tool-${i}`) });
  expect(guard.check("tool.call", "x".repeat(1_000_000))?.message.length).toBeLessThan(500);
});
