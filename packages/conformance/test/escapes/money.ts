import type { Attempt } from "../trespasser.ts";
import { type Escape, under, unseen } from "./escape.ts";

const INVALID = "INVALID_REQUEST";
const EXHAUSTED = "BUDGET_EXHAUSTED";

const LEASE = {
  "cost.budget": ["USD:1.00", "EUR:2"],
  "tool.call": ["ocr.*"],
  "fs.read": ["$W/**"],
  "fs.write": ["out/*"],
  "net.fetch": ["$O/open/**"],
  "model.use": ["mistral/*"],
  "agent.delegate": ["trespasser"],
};
const spend = (value: unknown, name = "cost.x", unit = "USD"): Attempt => ({
  op: "metric",
  name,
  value,
  unit,
});
const reserve = (amounts: object, settle?: object, name?: string): Attempt => ({
  op: "reserve",
  amounts,
  ...(settle && { settle }),
  ...(name && { name }),
});
const model = (used: object, most?: object): Attempt => ({
  op: "model",
  id: "mistral/large-3",
  used,
  ...(most && { reserve: most }),
});
const tool: Attempt = { op: "tool.call", name: "ocr.page" };
const operations: ReadonlyArray<readonly [string, Attempt]> = [
  ["a tool", tool],
  ["a file", { op: "fs.read", path: "open.txt" }],
  ["a directory", { op: "fs.list", path: "." }],
  ["writing a file", { op: "fs.write", path: "out/a.txt" }],
  ["a URL", { op: "fetch", url: "$O/open/a" }],
  ["a model", { op: "model", id: "mistral/large-3" }],
  ["a reservation", reserve({ EUR: "0.01" })],
  ["a child", { op: "delegate" }],
];

/** What went well before, and emptied the budget. */
const after = (what: string, ...before: Attempt[]): Escape[] =>
  under(
    LEASE,
    [tool, ...before],
    EXHAUSTED,
    operations.map(([name, attempt]) => [`${name} ${what}`, attempt]),
  );

export const money: readonly Escape[] = [
  ...under(LEASE, [tool, spend(0.25), reserve({ USD: "0.1" }, { USD: "0.05" })], INVALID, [
    ["a negative cost", spend(-0.25)],
    ["a cost that is no number", spend("NaN")],
    ["an infinite cost", spend("Infinity")],
    ["a cost of minus infinity", spend("-Infinity")],
    ["a cost in words", spend("1")],
    ["no cost at all", spend(null)],
    ["a cost as a list", spend([1])],
    ["a cost as a long integer", spend("bigint")],
    ["the runtime's own metric", spend(99, "cost.budget.remaining")],
    ["a metric named like the runtime's own", spend(99, "cost.budget.x")],
    ["a metric as a plain event", { op: "emit", kind: "metric", body: spend(0) }],
    ["a metric in another case", { op: "emit", kind: "Metric", body: spend(0) }],
    ["a cost as a kind", { op: "emit", kind: "cost.x", body: spend(-1) }],
    ["a vendor's kind without a name", { op: "emit", kind: "x-vendor.metric", body: spend(-1) }],
    ["a forged result of a tool", { op: "emit", kind: "tool_result", body: { result: 1 } }],
    ["a forged delegation", { op: "emit", kind: "delegate", body: { delegate_id: "d" } }],
    ["a forged rotation", { op: "status", phase: "credential_rotated" }],
    ["a forged start", { op: "status", phase: "running" }],
    ["a negative reservation", reserve({ USD: "-1" })],
    ["a reservation with an exponent", reserve({ USD: "1e-3" })],
    ["an infinite reservation", reserve({ USD: "Infinity" })],
    ["a reservation that is no number", reserve({ USD: "NaN" })],
    ["a reservation in hexadecimal", reserve({ USD: "0x1" })],
    ["a reservation as a number", reserve({ USD: 0.1 })],
    ["a reservation in other digits", reserve({ USD: "\u0661" })],
    ["a reservation of too many digits", reserve({ USD: "0.1234567890123456789" })],
    ["a reservation without a currency", reserve({ "": "0.1" })],
    ["a currency with a colon", reserve({ "USD:": "0.1" })],
    ["a reservation named like the runtime's metric", reserve({ USD: "0.1" }, {}, "cost.budget.x")],
    ["a reservation that is no cost", reserve({ USD: "0.1" }, {}, "refund")],
    ["a negative settlement", reserve({ USD: "0.1" }, { USD: "-5" })],
    ["a settlement that is no number", reserve({ USD: "0.1" }, { USD: "NaN" })],
  ]),
  ...under(LEASE, [model({ input: 1000 }, { input: 2000 })], INVALID, [
    ["a model that gives money back", model({ input: -1000 })],
    ["a model that used no number", model({ input: "NaN" })],
    ["a model that used without end", model({ input: "Infinity" })],
    ["a model that used words", model({ input: "1" })],
    ["a model that used nothing known", model({})],
    ["a model that used what has no price", model({ dreams: 1 })],
    ["a model that used what every object has", model({ constructor: 1 })],
  ]),
  ...under(LEASE, [model({ input: 1000 }, { input: 2000 })], EXHAUSTED, [
    ["a model that may use more than there is", model({ input: 1 }, { input: 1_000_000_000 })],
  ]),
  ...unseen(
    under(LEASE, [model({ input: 1000 }, { input: 2000 })], INVALID, [
      ["a model that may use less than nothing", model({ input: 1 }, { input: -1 })],
      [
        "a model that may use more than can be counted",
        model({ input: 1 }, { input: "MAX_VALUE" }),
      ],
      ["a model that may use what has no price", model({ input: 1 }, { dreams: 1 })],
    ]),
  ),
  ...under(LEASE, [tool, reserve({ USD: "0.75" })], EXHAUSTED, [
    ["a reservation beyond what is left of another", reserve({ USD: "0.26" })],
    ["a reservation beyond the budget", reserve({ USD: "1.000000000000000001" })],
    ["a huge reservation", reserve({ USD: `${"9".repeat(18)}.${"9".repeat(18)}` })],
    ["a reservation of which one part is too large", reserve({ EUR: "0.1", USD: "0.5" })],
  ]),
  ...after("after ten times 0.1 of 1.00", ...Array.from({ length: 10 }, () => spend(0.1))),
  ...after("after more than there was", spend(0.9), spend(0.2)),
  ...after("after a huge cost", spend("MAX_VALUE")),
  ...after("after another currency is empty", spend(2, "cost.x", "EUR")),
  ...after("after a settlement of everything", reserve({ USD: "1" }, { USD: "1" })),
  ...after("after a settlement of more", reserve({ USD: "0.1" }, { USD: "1.5" })),
  ...after("after a child has spent everything", {
    op: "delegate",
    lease: { "cost.budget": ["USD:1"] },
    tries: [spend(1)],
  }),
  ...after("after a child without a budget has spent everything", {
    op: "delegate",
    tries: [spend(1)],
  }),
  ...under({ ...LEASE, "cost.budget": ["USD:0"] }, [], EXHAUSTED, [["a budget of nothing", tool]]),
  ...under({ ...LEASE, "cost.budget": ["USD:1", "JPY:0.0"] }, [], EXHAUSTED, [
    ["a second currency of nothing", tool],
  ]),
  ...under(
    { ...LEASE, "cost.budget": ["constructor:1"] },
    [tool, spend(1, "cost.x", "constructor")],
    EXHAUSTED,
    [["a currency named like what every object has", tool]],
  ),
  ...under(
    LEASE,
    [tool, spend(5e-324), spend(0.9), reserve({ USD: "0.099999999999999999" })],
    EXHAUSTED,
    [
      [
        "a reservation of the last digit after the smallest cost there is",
        reserve({ USD: "0.000000000000000001" }),
      ],
    ],
  ),
];
