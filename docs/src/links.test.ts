import { existsSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { Page, pages } from "./page.ts";
import { root } from "./repository.ts";

const known = new Map(pages.map((page) => [page.path, page]));

describe("links", () => {
  test.each(pages)("$path: every relative link and anchor leads somewhere", (page) => {
    expect(
      page.links.flatMap(({ target, line }) => {
        const problem = brokenLink(page, target);
        return problem === undefined ? [] : [`${page.path}:${line}: ${problem}`];
      }),
    ).toEqual([]);
  });

  test("a broken link, a broken anchor and a link out of the repository are detected", () => {
    const text = [
      "# One two",
      "[a](no-such.md) [b](#one-two) [c](#three)",
      "[d](../../elsewhere.md) `[e](code.md)`",
      "```md",
      "[f](code.md)",
      "```",
      "[g]: missing/",
    ].join("\n");
    const page = new Page("docs/x.md", text);
    const broken = page.links.filter(({ target }) => brokenLink(page, target) !== undefined);
    expect(broken.map(({ target, line }) => [target, line])).toEqual([
      ["no-such.md", 2],
      ["#three", 2],
      ["../../elsewhere.md", 3],
      ["missing/", 7],
    ]);
  });
});

describe("file names", () => {
  // Where to look for a file that a page names in code font.
  const packages = readdirSync(join(root, "packages"));
  const bases = ["", "packages", ...packages.map((name) => `packages/${name}/src`)];
  const houses = pages.filter(({ path }) =>
    /^(ARCHITECTURE|CONTRIBUTING|README)\.md$|^docs\//.test(path),
  );

  test.each(houses)("$path: every file that it names exists", ({ path, prose, blocks }) => {
    const names = [
      ...prose.join("\n").matchAll(/`([\w.@-]+(?:\/[\w.@-]+)*\.(?:ts|mjs|json|yaml|grit))`/g),
      // A block without a language is a picture.
      ...blocks.flatMap(({ info, code }) =>
        info === "" ? [...code.matchAll(/([\w/-]+\.ts)\b/g)] : [],
      ),
    ];
    const missing = names
      .map(([, name = ""]) => name)
      // An import as users write it, and an example of a name.
      .filter((name) => !name.startsWith("./") && name !== "x.test.ts")
      .filter(
        (name) =>
          ![...bases, posix.dirname(path)].some((base) => existsSync(join(root, base, name))),
      );
    expect(missing).toEqual([]);
  });
});

function brokenLink(from: Page, target: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined;
  const [path = "", anchor] = decodeURIComponent(target).split("#", 2);
  const file = path === "" ? from.path : posix.join(posix.dirname(from.path), path);
  if (file.startsWith("..")) return `${target} leaves the repository`;
  if (path !== "" && !existsSync(join(root, file))) return `${target} is not there`;
  if (anchor === undefined) return undefined;
  const page = path === "" ? from : known.get(file);
  return page?.anchors.has(anchor) ? undefined : `${target} has no such anchor`;
}
