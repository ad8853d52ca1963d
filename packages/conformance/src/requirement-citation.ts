/** A call of `test`, `it` or `describe`, or of what `each` returned, whose first argument is a string. */
const TITLE =
  /(?:\b(?<name>(?:test|it|describe)(?:\.\w+)*)|\))\s*\(\s*(?<quote>["'`])(?<title>(?:\\.|(?!\k<quote>)[^\\])*)\k<quote>/g;
const ID = /\bR-(?:D|\d+(?:\.\d+)?)-\d+\b/g;
const COMMENT_LINE = /^\s*(?:\/\/|\/?\*).*$/gm;
/** Tests that do not run, or must fail, verify nothing. */
const UNPROVEN = /\.(?:skip|todo|fails)\b/;

/**
 * The requirements that a test file claims to verify: the ids in the titles of its tests. They need not exist; ask
 * `isRequirementId`. Titles that are built at run time are not seen.
 *
 * @param source the text of the test file
 */
export function citedRequirements(source: string): ReadonlySet<string> {
  const cited = new Set<string>();
  for (const { groups } of source.replace(COMMENT_LINE, "").matchAll(TITLE)) {
    if (UNPROVEN.test(groups?.name ?? "")) continue;
    for (const [id] of (groups?.title ?? "").matchAll(ID)) cited.add(id);
  }
  return cited;
}
