import Big from "big.js";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { aSequence, playBudgets, tally } from "../../test/budget-sequence.ts";
import { Budget } from "./budget.ts";
import type { Money } from "./money.ts";
import { Reservation } from "./reservation.ts";

function amounts(entries: Record<string, string | number>): Money {
  return new Map(Object.entries(entries).map(([currency, amount]) => [currency, new Big(amount)]));
}

function granted(parent: Budget, entries: Record<string, string | number>): Budget {
  const outcome = parent.delegate(amounts(entries));
  if (!outcome.ok) throw new Error(`${outcome.currency}: ${outcome.available}`);
  return outcome.child;
}

function reserved(budget: Budget, entries: Record<string, string | number>): Reservation {
  const outcome = budget.reserve(amounts(entries));
  if (!outcome.ok) throw new Error(`${outcome.currency}: ${outcome.available}`);
  return outcome.reservation;
}

const of = (budget: Budget) => ({
  remaining: Object.fromEntries(budget.remaining()),
  available: Object.fromEntries(budget.available()),
});

describe("reservations", () => {
  test("R-9.6-13: a reserved amount is not available, still remains, and comes back", () => {
    const budget = new Budget(amounts({ USD: 1 }));
    const first = reserved(budget, { USD: "0.6" });
    expect(of(budget)).toEqual({ remaining: { USD: "1" }, available: { USD: "0.4" } });
    expect(budget.reserve(amounts({ USD: "0.5" }))).toEqual({
      ok: false,
      currency: "USD",
      available: "0.4",
    });
    first.release();
    first.release();
    expect(of(budget).available).toEqual({ USD: "1" });
  });

  test("R-9.6-13: what is spent after a release comes back no second time, and nothing is set aside for a zero", () => {
    const budget = new Budget(amounts({ USD: 1 }));
    const held = reserved(budget, { USD: "0.5", EUR: 0 });
    expect(held.rest).toEqual(amounts({ USD: "0.5" }));
    held.release();
    held.spent(amounts({ USD: "0.2" }));
    budget.spend("USD", new Big("0.2"));
    expect(of(budget)).toEqual({ remaining: { USD: "0.8" }, available: { USD: "0.8" } });
  });

  test("a budget keeps no closed reservation, so a job may make any number", () => {
    const budget = new Budget(amounts({ USD: 1 }));
    for (let i = 0; i < 100; i++) reserved(budget, { USD: "0.6" }).release();
    const open = reserved(budget, { USD: "0.6" });
    const release = vi.spyOn(Reservation.prototype, "release");
    budget.close();
    expect(release.mock.contexts).toEqual([open]);
    release.mockRestore();
  });

  test("R-9.6-13: what is spent of a reservation is no longer set aside, and only the rest comes back", () => {
    const budget = new Budget(amounts({ USD: 1 }));
    const held = reserved(budget, { USD: "0.5", GBP: 3 });
    const report = (entries: Record<string, string | number>): void => {
      held.spent(amounts(entries));
      for (const [currency, amount] of amounts(entries)) budget.spend(currency, amount);
    };
    report({ USD: "0.4" });
    expect(of(budget)).toEqual({ remaining: { USD: "0.6" }, available: { USD: "0.5" } });
    report({ USD: "0.2", GBP: 1, EUR: 1 });
    expect(of(budget)).toEqual({ remaining: { USD: "0.4" }, available: { USD: "0.4" } });
    expect(held.rest).toEqual(amounts({ GBP: 2 }));
    held.release();
    report({ GBP: 1 });
    expect(held.rest).toEqual(amounts({ GBP: 1 }));
    expect(of(budget).available).toEqual({ USD: "0.4" });
  });

  test("R-9.6-13: several amounts are set aside together or not at all", () => {
    const budget = new Budget(amounts({ USD: 1, EUR: 1 }));
    expect(budget.reserve(amounts({ USD: "0.5", EUR: 2 })).ok).toBe(false);
    expect(of(budget).available).toEqual({ USD: "1", EUR: "1" });
  });

  test("a currency without a budget needs no setting aside", () => {
    const budget = new Budget(amounts({ USD: 1 }));
    expect(budget.reserve(amounts({ GBP: 1_000_000 })).ok).toBe(true);
  });

  test("R-9.6-8: a child without a budget in a currency reserves it with the ancestor that has one", () => {
    const parent = new Budget(amounts({ USD: 1, EUR: 1 }));
    const child = granted(parent, { EUR: 1 });
    const grandchild = granted(child, { EUR: "0.5" });
    reserved(grandchild, { USD: "0.7" });
    expect(of(parent).available).toEqual({ USD: "0.3", EUR: "0" });
    expect(child.reserve(amounts({ USD: "0.4" })).ok).toBe(false);
    grandchild.close();
    expect(of(parent).available).toEqual({ USD: "1", EUR: "0" });
  });
});

describe("children", () => {
  test("R-9.4-4: a parent with 8 that spent 6.5 can grant 1.5, but neither 1.51 nor another currency", () => {
    const parent = new Budget(amounts({ USD: 8 }));
    parent.spend("USD", new Big(6.5));
    expect(parent.delegate(amounts({ USD: "1.51" })).ok).toBe(false);
    expect(parent.delegate(amounts({ EUR: 1 })).ok).toBe(false);
    granted(parent, { USD: "1.50" });
    expect(of(parent)).toEqual({ remaining: { USD: "1.5" }, available: { USD: "0" } });
  });

  test("R-9.6-8: three children cannot together spend more than the parent", () => {
    const parent = new Budget(amounts({ USD: 1 }));
    const first = granted(parent, { USD: "0.5" });
    expect(parent.delegate(amounts({ USD: "0.6" })).ok).toBe(false);
    granted(parent, { USD: "0.5" });
    expect(parent.delegate(amounts({ USD: "0.01" })).ok).toBe(false);
    first.spend("USD", new Big(0.2));
    first.close();
    expect(of(parent)).toEqual({ remaining: { USD: "0.8" }, available: { USD: "0.3" } });
    granted(parent, { USD: "0.3" });
  });

  test("R-9.6-8: an exhausted ancestor stops its descendants, whatever they have left", () => {
    const parent = new Budget(amounts({ USD: 1, EUR: 1 }));
    const child = granted(parent, { USD: "0.5" });
    parent.spend("EUR", new Big(1));
    expect(child.exhausted()).toEqual({ currency: "EUR", remaining: "0" });
    expect(of(child).remaining).toEqual({ USD: "0.5" });
  });

  test("R-9.4-4: a grandparent that overspent has nothing left to grant through its child", () => {
    const top = new Budget(amounts({ USD: 10 }));
    const middle = granted(top, { USD: 8 });
    top.spend("USD", new Big(9));
    expect(middle.delegate(amounts({ USD: 2 }))).toMatchObject({ ok: false, available: "1" });
    expect(middle.reserve(amounts({ USD: 2 }))).toMatchObject({ ok: false, available: "1" });
    granted(middle, { USD: 1 });
  });

  test("R-9.4-4, R-9.6-13: what is left of an overspent grandparent is promised once, not to everyone who asks", () => {
    const top = new Budget(amounts({ USD: 10 }));
    const middle = granted(top, { USD: 8 });
    top.spend("USD", new Big(9));
    const child = granted(middle, { USD: "0.5" });
    reserved(middle, { USD: "0.3" });
    const left = { ok: false, currency: "USD", available: "0.2" };
    expect(middle.delegate(amounts({ USD: "0.3" }))).toEqual(left);
    expect(middle.reserve(amounts({ USD: "0.3" }))).toEqual(left);
    // The child reserves from its own grant.
    reserved(child, { USD: "0.4" });
    expect(child.reserve(amounts({ USD: "0.2" }))).toMatchObject({ ok: false, available: "0.1" });
    reserved(middle, { USD: "0.2" });
    expect(middle.reserve(amounts({ USD: "0.01" }))).toMatchObject({ available: "0" });
  });

  test("R-9.4-4, R-9.6-13: what a child or grandchild promised stays set aside above, even if the child has since spent it", () => {
    const parent = new Budget(amounts({ USD: 10 }));
    const child = granted(parent, { USD: 5 });
    const held = reserved(child, { USD: 2 });
    const grandchild = granted(child, { USD: 2 });
    reserved(grandchild, { USD: 2 });
    child.spend("USD", new Big(4));
    // Of the 6 that remain, 4 may still be spent by those who were promised them.
    expect(of(parent)).toEqual({ remaining: { USD: "6" }, available: { USD: "2" } });
    expect(parent.delegate(amounts({ USD: 3 }))).toMatchObject({ ok: false, available: "2" });
    held.release();
    expect(of(parent).available).toEqual({ USD: "4" });
    grandchild.close();
    expect(of(parent).available).toEqual({ USD: "5" });
  });

  test("J4: the work of one job's operation does not grow with the number of live jobs beside it", () => {
    const sums = vi.spyOn(Big.prototype, "plus");
    const differences = vi.spyOn(Big.prototype, "minus");
    const computed = (siblings: number, depth: number): number => {
      let top = new Budget(amounts({ USD: 10_000 }));
      for (let above = 1; above < depth; above++) top = granted(top, { USD: 9_000 });
      const [child = top] = Array.from({ length: siblings }, () => granted(top, { USD: 1 }));
      sums.mockClear();
      differences.mockClear();
      reserved(child, { USD: "0.5" }).release();
      child.spend("USD", new Big("0.1"));
      granted(top, { USD: 1 }).close();
      of(top);
      return sums.mock.calls.length + differences.mock.calls.length;
    };
    expect(computed(5000, 8)).toBe(computed(2, 8));
    expect(computed(5000, 8)).toBeLessThan(8 * computed(5000, 1));
    vi.restoreAllMocks();
  });

  test("an overspent child sets nothing aside, and a closed one gives nothing back twice", () => {
    const parent = new Budget(amounts({ USD: 10 }));
    const child = granted(parent, { USD: 1 });
    child.spend("USD", new Big(3));
    expect(of(child).remaining).toEqual({ USD: "-2" });
    expect(of(parent)).toEqual({ remaining: { USD: "7" }, available: { USD: "7" } });
    child.close();
    child.close();
    expect(of(parent).available).toEqual({ USD: "7" });
  });

  test("R-9.6-9: every job whose counter moved is told what remains of its own", () => {
    const said: string[] = [];
    const holder = (name: string) => ({
      changed: () => said.push(`${name} changed`),
      say: ({ remaining }: { remaining: string }) => said.push(`${name} ${remaining}`),
    });
    const parent = new Budget(amounts({ USD: 10 }), { holder: holder("parent") });
    const outcome = parent.delegate(amounts({ USD: 5 }), { holder: holder("child") });
    if (outcome.ok) outcome.child.spend("USD", new Big(2));
    expect(said).toEqual(["child changed", "child 3", "parent changed", "parent 8"]);
  });
});

test("R-5.2-4, R-9.6-8, R-9.6-13: any sequence of steps conserves money exactly, per job and currency", () => {
  fc.assert(fc.property(aSequence, playBudgets), { numRuns: 1000 });
  for (const count of Object.values(tally)) expect(count).toBeGreaterThan(1000);
});
