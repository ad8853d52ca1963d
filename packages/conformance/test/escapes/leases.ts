/** Members of a submit, as JSON text, that have to be refused, and before them some like them that are not. */
export interface Refusals {
  readonly concept: string;
  readonly features: readonly string[];
  readonly accepted: readonly string[];
  readonly refused: ReadonlyArray<readonly [what: string, members: string]>;
}

const ALL = ["cost.budget", "lease_expires_at", "agent_versions"];

const lease = (text: string): string => `"lease_request":${text}`;
const pattern = (namespace: string, text: string): string =>
  lease(JSON.stringify({ [namespace]: [text] }));
const amount = (text: string): string => lease(JSON.stringify({ "cost.budget": ["EUR:1", text] }));
const expiry = (text: string): string => `"lease_constraints":{"expires_at":${text}}`;
const both = (...members: string[]): string => members.join(",");

export const leases: readonly Refusals[] = [
  {
    concept: "namespaces",
    features: ALL,
    accepted: [lease("{}"), lease('{"fs.read":[]}'), lease('{"x-vendor.acme.print":["*"]}')],
    refused: [
      ["a namespace that is none", lease('{"fs.exec":["**"]}')],
      ["a part of a namespace", lease('{"fs":["**"]}')],
      ["a namespace with a wildcard", lease('{"fs.*":["**"]}')],
      ["a namespace in another case", lease('{"FS.READ":["**"]}')],
      ["a namespace with a blank", lease('{"fs.read ":["**"]}')],
      ["no namespace", lease('{"":["**"]}')],
      ["a vendor without a name", lease('{"x-vendor.acme":["**"]}')],
      ["a vendor with an empty name", lease('{"x-vendor.acme.":["**"]}')],
      ["a vendor in another case", lease('{"x-vendor.ACME.print":["**"]}')],
      ["a prefix that is not the vendors'", lease('{"x-acme.print":["**"]}')],
      ["a property of every object", lease('{"constructor":["**"]}')],
      ["the prototype of every object", lease('{"__proto__":["**"]}')],
      ["a lease that is a list", lease('[{"fs.read":["**"]}]')],
      ["a lease that is text", lease('"**"')],
      ["patterns that are text", lease('{"tool.call":"**"}')],
      ["patterns that are an object", lease('{"tool.call":{"0":"**","length":1}}')],
      ["a pattern that is a number", lease('{"tool.call":[1]}')],
      ["a pattern that is a list", lease('{"tool.call":[["**"]]}')],
    ],
  },
  {
    concept: "patterns",
    features: ALL,
    accepted: [
      pattern("tool.call", "*a".repeat(16)),
      pattern("tool.call", "x".repeat(1024)),
      pattern("fs.read", "/a/**/b/*.txt"),
      pattern("net.fetch", "https://*.acme.test:*/a/**"),
    ],
    refused: [
      ["an empty pattern", pattern("tool.call", "")],
      ["three stars", pattern("tool.call", "***")],
      ["two stars beside something else", pattern("tool.call", "a**")],
      ["17 wildcards", pattern("tool.call", "*a".repeat(17))],
      ["17 wildcards of segments", pattern("fs.read", "/**/a".repeat(17))],
      ["1025 characters", pattern("tool.call", "x".repeat(1025))],
      [".. in a path", pattern("fs.read", "/a/../b")],
      [". in a path", pattern("fs.write", "/a/./b")],
      ["NUL in a path", pattern("fs.read", "/a\0b")],
      ["a URL without a scheme", pattern("net.fetch", "acme.test/**")],
      ["a URL of another scheme", pattern("net.fetch", "file:///**")],
      ["a URL with a user", pattern("net.fetch", "https://user@acme.test/")],
      ["a URL with a query", pattern("net.fetch", "https://acme.test/?a=*")],
      ["a URL with a fragment", pattern("net.fetch", "https://acme.test/#*")],
      ["a URL with a backslash", pattern("net.fetch", "https://acme.test\\**")],
      ["a URL with **, in its host", pattern("net.fetch", "https://**.acme.test/")],
      ["a URL with ** as its host and a path", pattern("net.fetch", "https://**/")],
      ["a URL without a host", pattern("net.fetch", "https:///**")],
      ["a URL with a port that is none", pattern("net.fetch", "https://acme.test:99999/")],
      ["a URL with ..", pattern("net.fetch", "https://acme.test/a/../b")],
      ["a URL with encoded dots", pattern("net.fetch", "https://acme.test/a/%2e%2e/b")],
      ["a URL with an encoded slash", pattern("net.fetch", "https://acme.test/a%2fb")],
      ["a URL with an asterisk that is encoded", pattern("net.fetch", "https://%2a/")],
      [
        "a URL with a wildcard in another script",
        pattern("net.fetch", "https://*.b\u00fccher.test/"),
      ],
      [
        "more patterns than there may be",
        lease(JSON.stringify({ "tool.call": Array(1001).fill("a") })),
      ],
    ],
  },
  {
    concept: "amounts",
    features: ALL,
    accepted: [amount("USD:0"), amount(`credits:${"9".repeat(18)}.${"9".repeat(18)}`)],
    refused: (
      [
        ["a negative amount", "USD:-1"],
        ["minus zero", "USD:-0"],
        ["an amount with a plus", "USD:+1"],
        ["an exponent", "USD:1e3"],
        ["an infinite amount", "USD:Infinity"],
        ["no number", "USD:NaN"],
        ["hexadecimal", "USD:0x10"],
        ["a blank", "USD: 1"],
        ["a comma", "USD:1,5"],
        ["a separator", "USD:1_000"],
        ["no whole part", "USD:.5"],
        ["no fraction behind the point", "USD:5."],
        ["two points", "USD:1.2.3"],
        ["digits of another script", "USD:\u0661"],
        ["19 digits", `USD:${"9".repeat(19)}`],
        ["19 decimals", `USD:0.${"1".repeat(19)}`],
        ["no amount", "USD:"],
        ["no currency", ":1"],
        ["nothing", ""],
        ["no colon", "USD1"],
        ["two colons", "USD::1"],
        ["a currency that is a number", "1:1"],
        ["a currency of 33 characters", `${"U".repeat(33)}:1`],
        ["a wildcard", "*:1"],
        ["a line break behind it", "USD:1\n"],
      ] as const
    ).map(([what, text]) => [what, amount(text)]),
  },
  {
    concept: "expiry",
    features: ALL,
    accepted: [expiry('"2030-01-01T00:00:00Z"'), expiry('"2030-01-01T00:00:00.123456789Z"')],
    refused: [
      ["a time that has passed", expiry('"2020-01-01T00:00:00Z"')],
      ["a time of another zone", expiry('"2030-01-01T00:00:00+02:00"')],
      ["a time of no zone", expiry('"2030-01-01T00:00:00"')],
      ["a small z", expiry('"2030-01-01T00:00:00z"')],
      ["a blank instead of the T", expiry('"2030-01-01 00:00:00Z"')],
      ["a day that there is not", expiry('"2030-02-30T00:00:00Z"')],
      ["an hour that there is not", expiry('"2030-01-01T25:00:00Z"')],
      ["a date alone", expiry('"2030-01-01"')],
      ["a number", expiry("1893456000")],
      ["an infinite number", expiry("1e999")],
      ["nothing", expiry('""')],
      ["a year of five digits", expiry('"12030-01-01T00:00:00Z"')],
      ["a run that takes no time", '"max_runtime_sec":0'],
      ["a run of less than no time", '"max_runtime_sec":-1'],
    ],
  },
  {
    concept: "features that were not agreed on",
    features: [],
    accepted: [pattern("tool.call", "ocr.*")],
    refused: [
      ["a budget", amount("USD:1")],
      ["a budget of no amounts", lease('{"cost.budget":[]}')],
      ["models", pattern("model.use", "mistral/*")],
      ["an expiry", expiry('"2030-01-01T00:00:00Z"')],
      ["all of them", both(lease('{"cost.budget":["USD:1"]}'), expiry('"2030-01-01T00:00:00Z"'))],
    ],
  },
];
