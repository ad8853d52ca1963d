import type { Effort } from "./effort.ts";
import { Glob } from "./glob.ts";
import { HOST, URL_PATH } from "./grammar.ts";
import { type Deciding, type Inclusion, inclusion } from "./inclusion.ts";
import { ANY_SEGMENTS } from "./segment.ts";
import { canonicalUrl, type UrlGlob } from "./url.ts";

const INCLUDED: Inclusion = { kind: "included" };
const UNDECIDED: Inclusion = { kind: "undecided" };

type Rest = NonNullable<UrlGlob["rest"]>;

const ANY = new Glob("*", [["", ""]]);

/** The parts of a pattern that matches every URL of its scheme. */
const ANY_REST: Rest = { host: ANY, port: ANY, path: new Glob("/**", [[""], ANY_SEGMENTS]) };

/** Decides inclusion for patterns of URLs, part by part. */
export function* urlInclusion(inner: UrlGlob, outer: UrlGlob, effort: Effort): Deciding {
  const hasScheme = outer.scheme === undefined || outer.scheme === inner.scheme;
  if (hasScheme && outer.rest === undefined) return INCLUDED;
  const { host, port, path } = inner.rest ?? ANY_REST;
  const parts: ReadonlyArray<(bound?: Rest) => Deciding> = [
    (bound) => inclusion(host, bound?.host, HOST, effort),
    (bound) => portInclusion(port.text, bound?.port.text),
    (bound) => inclusion(path, bound?.path, URL_PATH, effort),
  ];
  const outcomes: Inclusion[] = [];
  for (const decide of parts) outcomes.push(yield* decide(hasScheme ? outer.rest : undefined));
  if (outcomes.every(({ kind }) => kind === "included")) return INCLUDED;
  if (!outcomes.some(({ kind }) => kind === "excluded")) return UNDECIDED;
  const texts: string[] = [];
  for (const [index, decide] of parts.entries()) {
    const outcome = outcomes[index];
    // The counterexample needs a value for this part too, even if the part is within its bound.
    const proof = outcome?.kind === "excluded" ? outcome : yield* decide();
    // If no URL has such a part, the whole pattern allows nothing.
    if (proof.kind !== "excluded") return proof;
    texts.push(proof.witness);
  }
  const scheme = inner.scheme ?? (outer.scheme === "https" ? "http" : "https");
  const [name, number, place] = texts;
  const witness = canonicalUrl(`${scheme}://${name}:${number}${place}`);
  return witness.ok ? { kind: "excluded", witness: witness.href } : UNDECIDED;
}

/** @param outer undefined if no port is allowed */
function* portInclusion(inner: string, outer: string | undefined): Deciding {
  yield;
  if (outer === "*" || outer === inner) return INCLUDED;
  if (inner !== "*") return { kind: "excluded", witness: inner };
  return { kind: "excluded", witness: outer === "443" ? "8443" : "443" };
}
