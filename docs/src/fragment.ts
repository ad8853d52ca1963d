import { type CodeBlock, type Page, pages } from "./page.ts";

/**
 * A block of TypeScript that is not run. It is typechecked with the names of `fragments/scene.ts`, and with what a
 * comment `<!-- given CODE -->` right before it declares: a reader need not see that, the compiler does.
 */
export interface Fragment {
  /** The file that it is checked as: beside its page, were that a folder of sources. */
  readonly file: string;
  /** The code and what is given, each on the lines that they have on the page. */
  readonly source: string;
}

const GIVEN = /<!-- given\b((?:(?!-->)[\s\S])*?)-->\s*$/;

export const fragments: readonly Fragment[] = pages.flatMap(fragmentsOf);

export function fragmentsOf({ path, text, blocks }: Page): Fragment[] {
  const lines = text.split("\n");
  return blocks.filter(isFragment).map(({ line, code }) => {
    const before = lines.slice(0, line - 2).join("\n");
    const given = GIVEN.exec(before);
    const [, declarations = ""] = given ?? [];
    const blank = before.slice(0, given?.index).replace(/[^\n]/g, "");
    const head = `${blank}${declarations}`;
    const gap = "\n".repeat(line - head.split("\n").length);
    return { file: `${path}.${line}.ts`, source: `${head}${gap}${code}` };
  });
}

/** A block that shows a file as it is (`source=PATH`) is checked with the package that has the file. */
function isFragment({ info }: CodeBlock): boolean {
  const [language, ...words] = info.split(/\s+/);
  return (
    language === "ts" && !words.some((word) => word === "runnable" || word.startsWith("source="))
  );
}
