import type { Capability } from "@arcp/core";
import fc from "fast-check";

/** The kinds of target, with a namespace for each. */
export const KINDS = ["fs.read", "net.fetch", "tool.call", "agent.delegate", "model.use"] as const;
export type Kind = (typeof KINDS)[number] & Capability;

export const WORKSPACE = "/w/a";

const segment = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom("*", "**") },
  { weight: 6, arbitrary: fc.stringMatching(/^[ab.]{0,2}\*?[abA-]{0,2}\*?[ab]{0,1}$/) },
  { weight: 1, arbitrary: fc.constantFrom("", ".", "..", "a**", "...", "é", "?", "%", "w") },
);
const segments = fc.array(segment, { minLength: 1, maxLength: 5 }).map((all) => all.join("/"));

const label = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^\*?[ab-]{1,2}\*?$/) },
  { weight: 1, arbitrary: fc.constantFrom("*", "1", "10", "0", "255", "2*", "B", "0x1", "xn--*") },
);
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const port = fc.constantFrom("", "", "", ":443", ":80", ":8443", ":*", ":0443", ":", ":99999");
const urlSegment = fc.oneof(
  { weight: 4, arbitrary: segment },
  {
    weight: 1,
    arbitrary: fc.constantFrom("%61", "%2A", "%C3%A9", "*%25*", "%2f", "a%2e", "~", "%"),
  },
);
const url = fc
  .tuple(
    fc.constantFrom("https", "http", "https", "HTTPS", "ftp"),
    host,
    port,
    fc.array(urlSegment, { maxLength: 4 }),
  )
  .map(([scheme, name, number, path]) =>
    `${scheme}://${name}${number}${["", ...path].join("/")}`.replaceAll("**://", ""),
  );

const name = fc.stringMatching(/^[ab]{0,2}\*?[ab.-]{0,2}$/);
const version = fc.stringMatching(/^@[12*]{0,2}\.?[12A]{0,1}\*?$/);

/** Patterns over few characters, so that they overlap; some of them are invalid. */
export const patterns: Readonly<Record<Kind, fc.Arbitrary<string>>> = {
  "fs.read": fc
    .tuple(fc.constantFrom("/", "/", "/", "/w/a/", "", "//"), segments)
    .map(([start, rest]) => start + rest),
  "net.fetch": fc.oneof(
    { weight: 12, arbitrary: url },
    { weight: 1, arbitrary: fc.constantFrom("**", "https://**", "http://**", "https://**/") },
  ),
  "tool.call": segments,
  "agent.delegate": fc.oneof(
    { weight: 4, arbitrary: fc.tuple(name, version).map((parts) => parts.join("")) },
    { weight: 4, arbitrary: name },
    { weight: 1, arbitrary: segments },
    { weight: 1, arbitrary: fc.constantFrom("*", "**", "*@*", "**/a", "a@1@2") },
  ),
  "model.use": fc
    .tuple(fc.constantFrom("a/", "a/", "b/", "*/", ""), segments)
    .map((t) => t.join("")),
};

const fill = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[ab.A1]{0,2}$/) },
  { weight: 1, arbitrary: fc.constantFrom("*", "é", "x/y", "..", ".", "%2e", "a.b", "/") },
);

const edit = fc.record({
  at: fc.nat(200),
  remove: fc.nat(1),
  insert: fc.constantFrom(
    "",
    "",
    "a",
    "b",
    ".",
    "/",
    "*",
    "A",
    "@",
    "1",
    "//",
    "/../",
    "/./",
    "%",
    "%2e",
    "%2F",
    "?a",
    "#",
    "\\",
    ":",
    ":443",
    "\0",
    "evil",
  ),
});

/** A target derived from the pattern, changed in up to two places: so it often just matches, or just does not. */
export function nearTargets(pattern: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(fill, { minLength: 17, maxLength: 17 }), fc.array(edit, { maxLength: 2 }))
    .map(([fills, edits]) =>
      edits.reduce(
        (text, { at, remove, insert }) => {
          const place = at % (text.length + 1);
          return text.slice(0, place) + insert + text.slice(place + remove);
        },
        filled(pattern, fills),
      ),
    );
}

/** The pattern with something in the place of each wildcard. */
function filled(pattern: string, fills: readonly string[]): string {
  let next = 0;
  const text = pattern
    .replace(/:\*(?=\/|$)/, ":8443")
    .replaceAll(/\*+/g, () => fills[next++ % fills.length] ?? "");
  return pattern === "**" ? `https://${text}/` : text;
}

/** A pattern close to another one: some pieces are turned into wildcards or back, and up to two places differ. */
export function nearPatterns(kind: Kind, pattern: string): fc.Arbitrary<string> {
  const widened = fc.infiniteStream(fc.nat(7)).map((dice) =>
    pattern
      .split(/(?<=[/.@])|(?=[/.@])/)
      .map((piece) => (/^[\w-]+$/.test(piece) && dice.next().value === 0 ? "*" : piece))
      .join(""),
  );
  return fc.oneof(
    { weight: 2, arbitrary: patterns[kind] },
    { weight: 3, arbitrary: nearTargets(pattern) },
    { weight: 3, arbitrary: widened },
    { weight: 1, arbitrary: fc.constant(`${pattern}/**`) },
    { weight: 1, arbitrary: fc.constant(pattern.replace(/[^/]*$/, "**")) },
  );
}
