import { expect, test } from "vitest";
import { pages } from "./page.ts";
import { read } from "./repository.ts";

/** Blocks marked `source=PATH` show a file of the repository as it is. */
const shown = pages.flatMap(({ path, blocks }) =>
  blocks.flatMap(({ info, code }) => {
    const source = /\bsource=(\S+)/.exec(info)?.[1];
    return source === undefined ? [] : [{ page: path, source, code }];
  }),
);

test.each(shown)("$page shows $source verbatim", ({ source, code }) => {
  expect(code).toBe(read(source));
});

test("docs/guides/own-transport.md: the transport takes at most sixty lines", () => {
  const { code } =
    shown.find(({ page }) => page === "docs/guides/own-transport.md") ?? expect.fail();
  expect(code.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
});
