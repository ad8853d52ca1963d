import Big from "big.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { compileGrant } from "./grant.ts";
import { exactCost, isCostMetric } from "./money.ts";

function budget(...entries: string[]): Budget {
  const outcome = compileGrant(entries);
  if (!outcome.ok) throw new Error(outcome.problem);
  const holder = {
    changed() {},
    say({ remaining }: { remaining: string }) {
      said = remaining;
    },
  };
  return new Budget(outcome.grant, { holder });
}

/** The content of the last notice. */
let said: string | undefined;

/** The notices that a charge requires, and undefined if there are none. */
function charge(of: Budget, currency: string, value: number): string | undefined {
  said = undefined;
  const amount = exactCost(value);
  if (amount === undefined) throw new Error(`${value} is no cost`);
  of.spend(currency, amount);
  return said;
}

describe("grants", () => {
  test("R-9.6-1: an entry that is not an amount is refused and named", () => {
    expect(compileGrant(["USD:1", "USD:-1"])).toEqual({
      ok: false,
      problem: '1: is not an amount such as "USD:2.50"',
    });
  });

  test("R-9.6-2: entries of one currency are added exactly, and currencies that differ in case are separate", () => {
    const of = budget("USD:0.1", "USD:0.2", "usd:5", "credits:999999999999999999");
    expect([...of.remaining()]).toEqual([
      ["USD", "0.3"],
      ["usd", "5"],
      ["credits", "999999999999999999"],
    ]);
  });

  test("R-5.2-5: the counters are written as numbers with exactly their digits", () => {
    const of = budget("USD:12.50", "constructor:999999999999999999.999999999999999999");
    expect(JSON.stringify({ budget: of })).toBe(
      '{"budget":{"USD":12.5,"constructor":999999999999999999.999999999999999999}}',
    );
    charge(of, "USD", 12.65);
    expect(JSON.stringify(of)).toContain('"USD":-0.15,');
  });
});

describe("charges", () => {
  test("R-13-5: 0.85 and 1.30 of 2.00 leave 1.15 and -0.15", () => {
    const of = budget("EUR:2.00");
    expect(charge(of, "EUR", 0.85)).toBe("1.15");
    expect(of.exhausted()).toBeUndefined();
    expect(charge(of, "EUR", 1.3)).toBe("-0.15");
    expect(of.exhausted()).toEqual({ currency: "EUR", remaining: "-0.15" });
  });

  test("R-9.6-3: only the metric's own currency is charged, and none without a counter", () => {
    const of = budget("EUR:2", "USD:3");
    charge(of, "EUR", 1);
    for (const other of ["GBP", "eur", undefined, "toString"]) of.spend(other, new Big(1));
    expect([...of.remaining().values()]).toEqual(["1", "3"]);
  });

  test.each([
    -1,
    -5e-324,
    Number.NaN,
    Infinity,
    -Infinity,
    "1",
    1n,
    null,
    undefined,
    {},
    [1],
    true,
  ])("R-9.6-4: %s is not a cost", (value) => {
    expect(exactCost(value)).toBeUndefined();
  });

  test("R-5.2-5: doubles count as their shortest decimal text, including the smallest and the largest", () => {
    const of = budget("A:1", "B:1", "C:1");
    charge(of, "A", 0.1 + 0.2);
    expect(of.remaining().get("A")).toBe("0.69999999999999996");
    charge(of, "B", 5e-324);
    expect(of.remaining().get("B")).toBe(`0.${"9".repeat(323)}5`);
    charge(of, "C", 1e300);
    expect(of.remaining().get("C")).toBe(`-${"9".repeat(300)}`);
    charge(of, "C", 1e-7);
    expect(of.remaining().get("C")).toBe(`-${"9".repeat(300)}.0000001`);
    expect(() => JSON.parse(JSON.stringify(of))).not.toThrow();
  });

  test("R-9.6-5: a thousand cents are exactly ten, despite the rounding of doubles", () => {
    const of = budget("USD:10");
    for (let i = 0; i < 1000; i += 1) charge(of, "USD", 0.01);
    expect(of.remaining().get("USD")).toBe("0");
  });

  test("R-5.2-4: nothing is lost or made up, compared with integer arithmetic", () => {
    const scale = 9;
    const cents = fc.bigInt({ min: 0n, max: 10n ** 15n });
    const text = (n: bigint): string => {
      const digits = n.toString().padStart(scale + 1, "0");
      return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
    };
    fc.assert(
      fc.property(
        fc.array(cents, { minLength: 1, maxLength: 4 }),
        fc.array(cents),
        (grants, costs) => {
          const of = budget(...grants.map((n) => `EUR:${text(n)}`), "USD:1");
          let left = grants.reduce((sum, n) => sum + n, 0n);
          for (const cost of costs) {
            // At most fifteen digits, which survive a conversion to double and back.
            charge(of, "EUR", Number(text(cost)));
            left -= cost;
          }
          const remaining = of.remaining().get("EUR") ?? "";
          const [, sign = "", whole = "", part = ""] =
            /^(-?)(\d+)(?:\.(\d+))?$/.exec(remaining) ?? [];
          expect(BigInt(sign + whole + part.padEnd(scale, "0"))).toBe(left);
          expect(of.exhausted() !== undefined).toBe(left <= 0n);
          expect(of.remaining().get("USD")).toBe("1");
        },
      ),
    );
  });
});

describe("R-9.6-6: exhaustion", () => {
  test("comes at zero, not before, and in any currency", () => {
    const of = budget("EUR:1", "USD:1");
    charge(of, "USD", 0.9999999999999999);
    expect(of.exhausted()).toBeUndefined();
    charge(of, "USD", 1e-16);
    expect(of.exhausted()).toEqual({ currency: "USD", remaining: "0" });
  });

  test("comes at once with a grant of zero, and never without a grant", () => {
    expect(budget("EUR:0").exhausted()).toBeDefined();
    expect(budget().exhausted()).toBeUndefined();
  });
});

describe("R-9.6-10: notices", () => {
  test("come at the first decrement, then every 5 % of the initial amount", () => {
    const of = budget("EUR:100");
    expect(charge(of, "EUR", 0.01)).toBe("99.99");
    expect(charge(of, "EUR", 4.99)).toBeUndefined();
    expect(charge(of, "EUR", 0.009)).toBeUndefined();
    expect(charge(of, "EUR", 0.001)).toBe("94.99");
    expect(charge(of, "EUR", 4.9)).toBeUndefined();
    expect(charge(of, "EUR", 30)).toBe("60.09");
  });

  test("come once when zero is reached or crossed, and then every 5 % again", () => {
    const of = budget("EUR:100");
    charge(of, "EUR", 99);
    expect(charge(of, "EUR", 0.999)).toBeUndefined();
    expect(charge(of, "EUR", 0.001)).toBe("0");
    expect(charge(of, "EUR", 1)).toBeUndefined();
    expect(charge(of, "EUR", 4)).toBe("-5");
  });

  test("a cost of zero decrements nothing", () => {
    const of = budget("EUR:100", "USD:0");
    expect(charge(of, "EUR", 0)).toBeUndefined();
    expect(charge(of, "EUR", -0)).toBeUndefined();
    expect(charge(of, "USD", 0)).toBeUndefined();
    expect(charge(of, "USD", 0.01)).toBe("-0.01");
    expect(charge(of, "USD", 0.01)).toBe("-0.02");
  });

  test("currencies are counted separately", () => {
    const of = budget("EUR:100", "USD:100");
    expect(charge(of, "EUR", 1)).toBe("99");
    expect(charge(of, "USD", 1)).toBe("99");
    expect(charge(of, "EUR", 1)).toBeUndefined();
  });

  test("R-9.6-11: at the end, what was not reported yet is reported once, and only if there is something", () => {
    const of = budget("EUR:100", "USD:100", "GBP:100");
    charge(of, "EUR", 1);
    charge(of, "EUR", 1);
    charge(of, "USD", 1);
    expect(of.unsaid()).toEqual([{ currency: "EUR", remaining: "98" }]);
    expect(of.unsaid()).toEqual([]);
  });

  test("R-9.6-11: the last notice of a currency is its final counter", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 30, noNaN: true })), (costs) => {
        const of = budget("EUR:100");
        const said = costs
          .map((cost) => charge(of, "EUR", cost))
          .filter((text) => text !== undefined);
        said.push(...of.unsaid().map(({ remaining }) => remaining));
        const spent = costs.some((cost) => cost > 0);
        expect(said.at(-1)).toBe(spent ? of.remaining().get("EUR") : undefined);
      }),
    );
  });
});

test.each([
  ["cost.llm", true],
  ["cost.", true],
  ["cost.budget", true],
  ["cost.budgets.x", true],
  ["cost.budget.remaining", false],
  ["cost.budget.anything", false],
  ["cost", false],
  ["Cost.llm", false],
  ["x.cost.llm", false],
])("R-9.6-3: %j is a cost: %s", (name, expected) => {
  expect(isCostMetric(name)).toBe(expected);
});
