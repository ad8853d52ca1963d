import Big from "big.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Budget, type Reservation } from "./budget.ts";
import type { Grant } from "./grant.ts";

const CURRENCIES = ["USD", "EUR", "credits"] as const;

function amounts(entries: Record<string, string | number>): Grant {
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
  test("R-9.6-13: what is reserved is not available, remains all the same, and comes back", () => {
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

  test("R-9.6-13: of several amounts all are set aside or none", () => {
    const budget = new Budget(amounts({ USD: 1, EUR: 1 }));
    expect(budget.reserve(amounts({ USD: "0.5", EUR: 2 })).ok).toBe(false);
    expect(of(budget).available).toEqual({ USD: "1", EUR: "1" });
  });

  test("a currency that nobody budgets needs no setting aside", () => {
    const budget = new Budget(amounts({ USD: 1 }));
    expect(budget.reserve(amounts({ GBP: 1_000_000 })).ok).toBe(true);
  });

  test("R-9.6-8: a child that does not budget a currency reserves it with the ancestor that does", () => {
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
  test("R-9.4-4: a parent with 8 of which 6.5 are spent grants 1.5, but neither 1.51 nor another currency", () => {
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

  test("R-9.6-8: an ancestor that is exhausted stops its descendants, whatever they have left", () => {
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

  test("a child that overspent sets nothing aside, and a closed one gives nothing back twice", () => {
    const parent = new Budget(amounts({ USD: 10 }));
    const child = granted(parent, { USD: 1 });
    child.spend("USD", new Big(3));
    expect(of(child).remaining).toEqual({ USD: "-2" });
    expect(of(parent)).toEqual({ remaining: { USD: "7" }, available: { USD: "7" } });
    child.close();
    child.close();
    expect(of(parent).available).toEqual({ USD: "7" });
  });

  test("R-9.6-9: every holder whose counter moved is told what remains of its own", () => {
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

/** One step: which budget of those that live, which currency, how much. */
const step = fc.record({
  what: fc.constantFrom("spend", "reserve", "settle", "release", "delegate", "end"),
  who: fc.nat(1000),
  which: fc.nat(1000),
  currency: fc.constantFrom(...CURRENCIES),
  cents: fc.integer({ min: 0, max: 400 }),
});

interface Node {
  readonly budget: Budget;
  readonly grant: ReadonlyMap<string, bigint>;
  readonly parent: Node | undefined;
  readonly open: Array<{ reservation: Reservation; holders: Array<[Node, string, bigint]> }>;
  readonly spent: Map<string, bigint>;
  readonly set: Map<string, bigint>;
  live: boolean;
}

const money = (cents: number): string => new Big(cents).div(100).toFixed();
const cents = (text: string | undefined): bigint =>
  BigInt(new Big(text ?? "0").times(100).toFixed());

/** The same in whole cents, without any of the code under test. */
class Model {
  readonly nodes: Node[] = [];

  add(budget: Budget, grant: ReadonlyMap<string, bigint>, parent: Node | undefined): void {
    this.nodes.push({
      budget,
      grant,
      parent,
      open: [],
      spent: new Map(),
      set: new Map(),
      live: true,
    });
  }

  living(): Node[] {
    return this.nodes.filter(({ live }) => live);
  }

  spend(node: Node, currency: string, amount: bigint): void {
    for (let n: Node | undefined = node; n !== undefined; n = n.parent) {
      n.spent.set(currency, (n.spent.get(currency) ?? 0n) + amount);
    }
  }

  holder(node: Node, currency: string): Node | undefined {
    let n: Node | undefined = node;
    while (n !== undefined && !n.grant.has(currency)) n = n.parent;
    return n;
  }

  remaining(node: Node, currency: string): bigint {
    return (node.grant.get(currency) ?? 0n) - (node.spent.get(currency) ?? 0n);
  }

  available(node: Node, currency: string): bigint {
    const children = this.nodes.filter((n) => n.live && n.parent === node && n.grant.has(currency));
    const unspent = children.map((n) => this.remaining(n, currency)).filter((left) => left > 0n);
    const aside = unspent.reduce((sum, left) => sum + left, node.set.get(currency) ?? 0n);
    return this.remaining(node, currency) - aside;
  }

  hold(node: Node, currency: string, amount: bigint): Array<[Node, string, bigint]> {
    const holder = this.holder(node, currency);
    if (holder === undefined) return [];
    holder.set.set(currency, (holder.set.get(currency) ?? 0n) + amount);
    return [[holder, currency, amount]];
  }

  free(holders: Array<[Node, string, bigint]>): void {
    for (const [node, currency, amount] of holders) {
      node.set.set(currency, (node.set.get(currency) ?? 0n) - amount);
    }
  }

  end(node: Node): void {
    for (const child of this.nodes.filter((n) => n.live && n.parent === node)) this.end(child);
    for (const { holders } of node.open.splice(0)) this.free(holders);
    node.live = false;
    node.budget.close();
  }

  check(): void {
    for (const node of this.nodes) {
      for (const currency of node.grant.keys()) {
        expect(cents(node.budget.remaining().get(currency))).toBe(this.remaining(node, currency));
        if (!node.live) continue;
        expect(cents(node.budget.available().get(currency))).toBe(this.available(node, currency));
      }
    }
  }
}

test("R-5.2-4, R-9.6-8, R-9.6-13: over any sequence of steps money is conserved exactly, per job and currency", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const model = new Model();
      model.add(
        new Budget(amounts({ USD: 10, EUR: 10, credits: 10 })),
        new Map(CURRENCIES.map((currency) => [currency, 1000n])),
        undefined,
      );
      for (const { what, who, which, currency, cents: n } of steps) {
        const living = model.living();
        const node = living[who % living.length];
        if (node === undefined) break;
        const amount = money(n);
        if (what === "spend") {
          node.budget.spend(currency, new Big(n / 100));
          model.spend(node, currency, BigInt(n));
        } else if (what === "reserve") {
          const outcome = node.budget.reserve(amounts({ [currency]: amount }));
          if (outcome.ok) {
            const holders = model.hold(node, currency, BigInt(n));
            node.open.push({ reservation: outcome.reservation, holders });
          } else {
            const holder = model.holder(node, currency) as Node;
            expect(Number(outcome.available) < n / 100).toBe(true);
            expect(holder).toBeDefined();
          }
        } else if (what === "settle" || what === "release") {
          const open = node.open.splice(which % Math.max(1, node.open.length), 1)[0];
          if (open === undefined) continue;
          if (what === "settle") {
            node.budget.spend(currency, new Big(amount).plus("0.01"));
            model.spend(node, currency, BigInt(n + 1));
          }
          open.reservation.release();
          model.free(open.holders);
        } else if (what === "delegate") {
          const outcome = node.budget.delegate(amounts({ [currency]: amount }));
          if (outcome.ok) model.add(outcome.child, new Map([[currency, BigInt(n)]]), node);
          else expect(node.grant.has(currency) ? outcome.available : "none").toBeDefined();
        } else if (node.parent !== undefined) {
          model.end(node);
        }
        model.check();
      }
      const [top] = model.nodes as [Node];
      for (const child of model.nodes.filter((n) => n.live && n.parent === top)) model.end(child);
      for (const { reservation, holders } of top.open.splice(0)) {
        reservation.release();
        model.free(holders);
      }
      expect(Object.fromEntries(top.budget.available())).toEqual(
        Object.fromEntries(top.budget.remaining()),
      );
    }),
    { numRuns: 1000 },
  );
});
