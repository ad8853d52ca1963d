import type { Lease } from "@arcp/core";
import type { Attempt } from "../trespasser.ts";
import { type Escape, under, unseen } from "./escape.ts";

const DENIED = "PERMISSION_DENIED";
const WIDER = "LEASE_SUBSET_VIOLATION";
const INVALID = "INVALID_REQUEST";

const LEASE = {
  "fs.read": ["$W/**"],
  "net.fetch": ["https://*.acme.test/v2/**"],
  "tool.call": ["ocr.*"],
  "model.use": ["mistral/*"],
  "agent.delegate": ["trespasser", "pdf-*@2.*"],
  "x-vendor.acme.print": ["lobby/*"],
  "cost.budget": ["USD:1.00", "EUR:2"],
};

const child = (lease: Lease, ...tries: Attempt[]): Attempt => ({ op: "delegate", lease, tries });
const to = (agent: string): Attempt => ({ op: "delegate", agent });
const spend = (value: number): Attempt => ({ op: "metric", name: "cost.x", value, unit: "USD" });
const tool: Attempt = { op: "tool.call", name: "ocr.page" };
const read = (path: string): Attempt => ({ op: "fs.read", path });
const may = (capability: string, target: string): Attempt => ({
  op: "authorize",
  capability,
  target,
});
/** Delegates to itself, so many times below one another. */
const deep = (levels: number): Attempt =>
  levels === 0
    ? tool
    : child({ "agent.delegate": ["trespasser"], "tool.call": ["ocr.*"] }, deep(levels - 1));

const narrower = child(
  { "fs.read": ["sub/*"], "tool.call": ["ocr.page"], "cost.budget": ["USD:0.50"] },
  read("sub/deep.txt"),
  tool,
  spend(0.25),
);

export const delegations: readonly Escape[] = [
  ...under({ ...LEASE, "agent.delegate": [] }, [tool], DENIED, [
    ["a child without the right", to("trespasser")],
    ["a child that there is none of, without the right", to("nobody")],
  ]),
  ...under(LEASE, [narrower], DENIED, [
    ["another agent", to("puppet")],
    ["an agent that there is none of", to("nobody")],
    ["an agent with a longer name", to("trespassers")],
    ["an agent whose version does not fit", to("pdf-render@3.0")],
    ["an agent in another case", to("Trespasser"), INVALID],
    ["an agent with two versions", to("pdf-render@2.0@3.0"), INVALID],
    ["a pattern as an agent", to("*"), INVALID],
    ["more children below one another than may be", deep(9)],
  ]),
  // What a child does not ask for it does not get.
  ...under(LEASE, [narrower], DENIED, [
    ["a child without a lease, a file", child({}, read("open.txt"))],
    ["a child without a lease, a tool", child({}, tool)],
    ["a child without a lease, a model", child({}, { op: "model", id: "mistral/large-3" })],
    ["a child without a lease, a URL", child({}, may("net.fetch", "https://eu.acme.test/v2"))],
    ["a child without a lease, a child", child({}, to("trespasser"))],
    [
      "a child beyond its lease, within its parent's",
      child({ "fs.read": ["sub/*"] }, read("open.txt")),
    ],
    [
      "a child of a child beyond its parent's",
      child({ "agent.delegate": ["trespasser"] }, child({}, tool)),
    ],
  ]),
  ...under(
    LEASE,
    [narrower],
    WIDER,
    (
      [
        ["every file", { "fs.read": ["**"] }],
        ["every file below the root", { "fs.read": ["/**"] }],
        ["the directory above", { "fs.read": ["$R/**"] }],
        ["a prefix twin", { "fs.read": ["$R/work-evil/**"] }],
        ["a prefix with a wildcard", { "fs.read": ["$R/work*/**"] }],
        ["one good and one bad pattern", { "fs.read": ["sub/*", "/etc/passwd"] }],
        ["writing where it may read", { "fs.write": ["sub/*"] }],
        ["every URL", { "net.fetch": ["**"] }],
        ["every host", { "net.fetch": ["https://*/v2/**"] }],
        ["every port", { "net.fetch": ["https://eu.acme.test:*/v2/**"] }],
        ["another scheme", { "net.fetch": ["http://eu.acme.test/v2/**"] }],
        ["another path", { "net.fetch": ["https://eu.acme.test/**"] }],
        ["a host suffix", { "net.fetch": ["https://*.acme.test.evil.test/v2/**"] }],
        ["every tool", { "tool.call": ["*"] }],
        ["a shorter tool", { "tool.call": ["ocr*"] }],
        ["a deeper tool", { "tool.call": ["ocr.*/**"] }],
        ["every model", { "model.use": ["**"] }],
        ["models of a part of the maker", { "model.use": ["mistral/**"] }],
        ["a model of another", { "model.use": ["openai/gpt-9"] }],
        ["every agent", { "agent.delegate": ["*"] }],
        ["every version of an agent", { "agent.delegate": ["pdf-*"] }],
        ["another version of an agent", { "agent.delegate": ["pdf-*@*"] }],
        ["another target of a vendor", { "x-vendor.acme.print": ["*/*"] }],
        ["a vendor's namespace that the parent lacks", { "x-vendor.acme.scan": ["lobby/*"] }],
        ["more money than the parent has", { "cost.budget": ["USD:1.01"] }],
        ["more money than is left", { "cost.budget": ["USD:0.76"] }],
        ["more money in two parts", { "cost.budget": ["USD:0.5", "USD:0.5"] }],
        ["a little more money", { "cost.budget": ["USD:0.750000000000000001"] }],
        ["a currency that the parent lacks", { "cost.budget": ["GBP:1"] }],
        ["a currency in another case", { "cost.budget": ["usd:0.1"] }],
        ["one currency too much of two", { "cost.budget": ["USD:0.1", "EUR:2.01"] }],
      ] satisfies ReadonlyArray<readonly [string, Lease]>
    ).map(([what, lease]) => [`a child with ${what}`, child(lease)]),
  ),
  ...under(
    LEASE,
    [narrower],
    INVALID,
    (
      [
        ["a pattern that is none", { "tool.call": ["ocr.**"] }],
        [".. in a pattern", { "fs.read": ["$W/../**"] }],
        ["a negative budget", { "cost.budget": ["USD:-1"] }],
        ["an infinite budget", { "cost.budget": ["USD:Infinity"] }],
      ] satisfies ReadonlyArray<readonly [string, object]>
    ).map(([what, lease]) => [`a child with ${what}`, child(lease as Lease)]),
  ),
  ...under(LEASE, [narrower], INVALID, [
    ["a child with a namespace that is none", child({ "fs.exec": ["sub/*"] } as Lease)],
  ]),
  ...unseen(
    under(LEASE, [narrower], INVALID, [
      ["a child with an empty pattern", child({ "tool.call": [""] })],
    ]),
  ),
  ...under(LEASE, [{ op: "reserve", amounts: { USD: "0.5" } }], WIDER, [
    ["a child with money that is set aside", child({ "cost.budget": ["USD:0.51"] })],
  ]),
  ...under(LEASE, [narrower], "BUDGET_EXHAUSTED", [
    [
      "a child that spent its own budget",
      child({ "tool.call": ["ocr.*"], "cost.budget": ["USD:0.1"] }, spend(0.1), tool),
    ],
    [
      "a child without a budget that spent its parent's",
      child({ "tool.call": ["ocr.*"] }, spend(0.75), tool),
    ],
    [
      "a child with a budget of nothing",
      child({ "tool.call": ["ocr.*"], "cost.budget": ["USD:0"] }, tool),
    ],
    [
      "a child without a budget that reserves more than its parent has",
      child({}, { op: "reserve", amounts: { USD: "0.76" } }),
    ],
  ]),
  // Within the parent's patterns as texts, and beyond what the parent can reach by them.
  ...under(
    {
      "fs.read": ["$W/**"],
      "fs.write": ["$W/out/**"],
      "net.fetch": ["http://**"],
      "agent.delegate": ["trespasser"],
    },
    [
      read("open.txt"),
      child({ "fs.read": ["$W/inner-link/*"] }, read("inner-link/deep.txt")),
      child({ "agent.delegate": ["trespasser"] }, child({})),
    ],
    DENIED,
    [
      [
        "a child that names a link to a directory",
        child({ "fs.read": ["$W/out-link/**"] }, read("out-link/secret.txt")),
      ],
      [
        "a child that names a file behind a link",
        child({ "fs.read": ["out-link/secret.txt"] }, read("out-link/secret.txt")),
      ],
      ["a child that names a link", child({ "fs.read": ["$W/file-link"] }, read("file-link"))],
      [
        "a child of a child that names a link",
        child(
          { "fs.read": ["$W/**"], "agent.delegate": ["trespasser"] },
          child({ "fs.read": ["$W/file-link"] }, read("file-link")),
        ),
      ],
      [
        "a child that names a link to what is not there",
        child({ "fs.write": ["$W/out/new-link"] }, { op: "fs.write", path: "out/new-link" }),
      ],
      [
        "a child that names a private address",
        child({ "net.fetch": ["$E/**"] }, { op: "fetch", url: "$E/open/a" }),
      ],
      [
        "a child of a child that names a private address",
        child(
          { "net.fetch": ["$E/**"], "agent.delegate": ["trespasser"] },
          child({ "net.fetch": ["$E/open/a"] }, { op: "fetch", url: "$E/open/a" }),
        ),
      ],
      [
        "a child that names the metadata service",
        child(
          { "net.fetch": ["http://169.254.169.254/**"] },
          { op: "fetch", url: "http://169.254.169.254/latest" },
        ),
      ],
    ],
  ),
  ...(
    [
      ["that outlives its parent's lease", 3601, WIDER],
      ["that has expired", -1, INVALID],
    ] as const
  ).map(([what, expiresInSec, code]) => ({
    what: `a child ${what}`,
    code,
    lease: LEASE,
    allowed: [narrower],
    tries: [{ op: "delegate", expiresInSec } as const],
    expiresInSec: 3600,
  })),
];
