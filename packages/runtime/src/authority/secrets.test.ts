import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { clip } from "./clip.ts";
import { Secrets } from "./secrets.ts";

test("R-9.8-10: a value that begins with another value is redacted whole", () => {
  const secrets = new Secrets();
  const value = "sk-0123456789abcdef";
  secrets.add(value);
  secrets.add(`${value}.rotated`);
  secrets.add(value);
  expect(secrets.clean(`${value}.rotated and ${value}`)).toBe("[redacted] and [redacted]");
});

test("R-9.8-10: a truncated value is redacted too", () => {
  const secrets = new Secrets();
  const value = "sk-0123456789abcdef";
  secrets.add(value);
  for (let length = 5; length <= value.length; length++) {
    const text = clip(`${"x".repeat(200 - length)}${value} and more`);
    expect(secrets.clean(`is refused: ${text}; and … goes on`)).toBe(
      `is refused: ${"x".repeat(200 - length)}[redacted]…; and … goes on`,
    );
  }
  expect(secrets.clean("sk-01234…sk-012345678…")).toBe("[redacted]…[redacted]…");
  expect(secrets.clean("sk-0… is how they begin")).toBe("sk-0… is how they begin");
  expect(secrets.clean("0123456789abcdef… is no beginning")).toContain("0123456789abcdef");
});

test("R-9.8-10: a possible beginning of a value at the end of a text is held back, a whole value is not", () => {
  const secrets = new Secrets();
  expect(secrets.settled("sk-")).toEqual({ clean: "sk-", open: "" });
  secrets.add("sk-0123456789abcdef");
  secrets.add("k-other-0123456789");
  const texts = [
    "",
    "s",
    "is k",
    "sk-",
    "the key is sk-0123456789abcde",
    "sk-0123456789abcdef",
    "sk",
  ];
  const open = texts.map((text) => secrets.settled(text).open.length);
  expect(open).toEqual([0, 1, 1, 3, 18, 0, 2]);
});

/** The cleaned text of one that arrives in pieces. */
function inPieces(secrets: Secrets, pieces: readonly string[]): string {
  let [told, held] = ["", ""];
  for (const piece of pieces) {
    const { clean, open } = secrets.settled(held + piece);
    [told, held] = [told + clean, open];
  }
  return told + secrets.clean(held);
}

test("R-9.8-10: a value that begins with another value is redacted whole, wherever a text is cut", () => {
  const secrets = new Secrets();
  secrets.add("sk-0123");
  secrets.add("sk-0123.rotated");
  const text = "sk-0123.rotated, sk-0123, sk-0123sk-0123.rot";
  const whole = secrets.clean(text);
  expect(whole).toBe("[redacted], [redacted], [redacted][redacted].rot");
  for (let first = 0; first < text.length; first++) {
    for (let second = first; second < text.length; second++) {
      const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
      expect(inPieces(secrets, pieces)).toBe(whole);
    }
  }
});

test("R-9.8-10: no value is left in a text that arrives in pieces, however values overlap", () => {
  const digits = (most: number) =>
    fc.string({ unit: fc.constantFrom("0", "1"), minLength: 1, maxLength: most });
  fc.assert(
    fc.property(
      fc.array(digits(5), { minLength: 1, maxLength: 3 }),
      fc.array(digits(4), { maxLength: 12 }),
      (values, pieces) => {
        const secrets = new Secrets();
        for (const value of values) secrets.add(value);
        const told = inPieces(secrets, pieces);
        expect(values.filter((value) => told.includes(value))).toEqual([]);
      },
    ),
    {
      numRuns: 2_000,
      // One ends where another begins, which is the beginning of a third.
      examples: [
        [
          ["00", "10", "001"],
          ["100", "01"],
        ],
      ],
    },
  );
});

test("R-9.8-10: exactly the stretches that are values, or truncated values, are redacted", () => {
  const digits = (least: number) =>
    fc.string({ unit: fc.constantFrom("0", "1"), minLength: least, maxLength: least + 4 });
  const values = fc.oneof(
    ...[1, 4, 5, 7].map((least) => fc.array(digits(least), { maxLength: 30 })),
  );
  const text = fc.string({ unit: fc.constantFrom("0", "0", "1", "1", "…", "x"), maxLength: 40 });
  fc.assert(
    fc.property(values, text, (given, said) => {
      const secrets = new Secrets();
      for (const value of given) secrets.add(value);
      const isSecret = Array.from(said, () => false);
      for (const value of given) {
        for (let at = 0; at < said.length; at++) {
          if (said.startsWith(value, at)) isSecret.fill(true, at, at + value.length);
          const left = said.slice(at, said.indexOf("…", at));
          const isCut = said.includes("…", at) && left.length > 4 && left.length < value.length;
          if (isCut && value.startsWith(left)) isSecret.fill(true, at, at + left.length);
        }
      }
      const expected = Array.from(said, (unit, at) => (isSecret[at] ? "-" : unit)).join("");
      expect(secrets.clean(said).replace(/(\[redacted\])+/g, "-")).toBe(
        expected.replace(/-+/g, "-"),
      );
    }),
    { numRuns: 5_000 },
  );
});

const plain = `{"id":"msg_01ARZ3NDEKTSV4RRFFQ69G5FAV","payload":{"message":"the sky is clear…"}}`;

test.each([
  ["sk-project-", plain, plain],
  ["", plain, plain],
  ["sk-project-", "sk-project-X".repeat(100), "sk-project-X".repeat(100)],
  ["sk-project-", "sk-project-…".repeat(100), "[redacted]…".repeat(100)],
])(
  "R-9.8-10: thousands of values that begin with '%s' take no longer to find than twenty: %j",
  (beginning, text, clean) => {
    const compared = (count: number): number => {
      const secrets = new Secrets();
      // Sixteen hexadecimal digits, in an order that nothing else has.
      const hash = (n: number) => createHash("sha256").update(`${n}`).digest("hex").slice(0, 16);
      for (let n = 0; n < count; n++) secrets.add(`${beginning}${hash(n)}`);
      const names = [
        "replaceAll",
        "split",
        "includes",
        "indexOf",
        "startsWith",
        "endsWith",
        "charCodeAt",
      ] as const;
      const spies = names.map((name) => vi.spyOn(String.prototype, name));
      try {
        expect(secrets.clean(text)).toBe(clean);
        expect(secrets.settled(text)).toEqual({ clean, open: "" });
        return spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      } finally {
        for (const spy of spies) spy.mockRestore();
      }
    };
    expect(compared(5_000)).toBeLessThan(2 * compared(20) + 1);
  },
);

test("R-9.8-10: a text full of ellipses is scanned once, however long the value", () => {
  const secrets = new Secrets();
  secrets.add(`sk-${"0123456789abcdef".repeat(500)}`);
  for (const text of ["…".repeat(300_000), "some words…".repeat(30_000)]) {
    expect(secrets.clean(text)).toBe(text);
  }
});
