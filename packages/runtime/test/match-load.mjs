// Does the work of one case this many times: `node match-load.mjs CASE LENGTH TIMES`. Its instructions are counted from outside. It
// uses the built code, since an interpreter without its compiler cannot strip types.
import { compileGlob } from "../dist/authority/glob.js";
import { HOST, PATH, TEXT } from "../dist/authority/grammar.js";
import { decided, inclusion } from "../dist/authority/inclusion.js";
import { compileLease } from "../dist/authority/lease.js";

function glob(pattern) {
  const outcome = compileGlob(pattern);
  if (!outcome.ok) throw new Error(`${pattern} ${outcome.problem}`);
  return outcome.glob;
}

const matches = (pattern, target) => {
  const compiled = glob(pattern);
  return (length) => {
    const text = target(length);
    return () => compiled.matches(text);
  };
};

const covers = (namespace, pattern, target) => {
  const { lease } = compileLease({ [namespace]: [pattern] });
  return (length) => {
    const text = target(length);
    return () => lease.covers(namespace, text);
  };
};

const includes = (child, parent, grammar) => {
  const outer = glob(parent);
  return (length) => {
    const inner = glob(child(length));
    return () => decided(inclusion(inner, outer, grammar)).kind !== "excluded";
  };
};

/** Each is a mismatch, found only at the end of the longest search. Lengths are in characters of the part that grows. */
const cases = {
  "sixteen stars": matches(`${"*a".repeat(14)}*b*`, (n) => "a".repeat(n)),
  "a long literal that nearly fits": matches(`*${"a".repeat(20)}b*`, (n) => "a".repeat(n)),
  "sixteen runs of segments": matches(`${"**/a/".repeat(16)}b`, (n) => "a/".repeat(n / 2)),
  "segments and stars": matches("**/*a*a*b/**/*a*a*b/**/*a*a*b", (n) => "aaaa/".repeat(n / 5)),
  "one long segment behind **": matches("**/*a*ab*/**/x", (n) => "a".repeat(n)),
  "a path that climbs": covers("fs.read", "/**/*a*b*/x", (n) => "/aaaa/../aaa/./".repeat(n / 15)),
  "a URL with escapes": covers(
    "net.fetch",
    "https://*.a.test/**/*a*b*/x",
    (n) => `https://b.a.test/${"%61a%c3%a9/".repeat(n / 11)}`,
  ),
  "a URL with a long host": covers(
    "net.fetch",
    "https://*a.*a.*a.*b*/**",
    (n) => `https://${"a.".repeat(n / 2)}test/`,
  ),
  "a long query": covers(
    "net.fetch",
    "https://a.test/*b",
    (n) => `https://a.test/?${"a".repeat(n)}`,
  ),
  // No pattern is longer than 1024 characters.
  "a long pattern": (length) => {
    const text = "a".repeat(4000);
    const compiled = glob(`*${"a".repeat(length / 5)}b*`);
    return () => compiled.matches(text);
  },
  "inclusion, a long child": includes((n) => `${"a".repeat(n / 5)}*`, `${"*a".repeat(15)}*b`, TEXT),
  "inclusion, segments": includes(
    (n) => `/*${"/a".repeat(n / 10)}`,
    `${"/**/a".repeat(8)}/**/b`,
    PATH,
  ),
  "inclusion, hosts": includes((n) => `*${".a".repeat(n / 10)}`, `${"*a.".repeat(15)}*b`, HOST),
};

const [name, length, times] = process.argv.slice(2);
if (name === undefined) {
  console.log(JSON.stringify(Object.keys(cases)));
} else {
  const run = cases[name](Number(length));
  for (let n = 0; n < Number(times); n += 1) if (run()) throw new Error(`${name} says yes`);
}
