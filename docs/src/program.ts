import { type CodeBlock, type Page, pages } from "./page.ts";

/** A file of a program. */
export interface Part extends CodeBlock {
  readonly file: string;
  /** Whether the program starts it by itself. */
  readonly spawned: boolean;
}

/**
 * What a page shows as runnable. A block ```` ```ts runnable ```` is a program of its own. Blocks of a page with
 * `file=NAME` are one program: all but the last are started first, in order, each when the one before has printed a
 * line; they run until the last has ended. One with `spawned` too is only written: another starts it. A block ```` ```text output ```` behind it is what the last part prints.
 */
export interface Program {
  readonly page: string;
  readonly parts: readonly Part[];
  readonly output: string | undefined;
}

export const programs: readonly Program[] = pages.flatMap(programsOf);

export function programsOf({ path, blocks }: Page): Program[] {
  const programs: { page: string; parts: Part[]; output: string | undefined }[] = [];
  let whole: (typeof programs)[number] | undefined;
  let latest: typeof whole;
  for (const block of blocks) {
    const [language, ...words] = block.info.split(/\s+/);
    if (language === "text" && words[0] === "output") {
      if (latest === undefined)
        throw new Error(`${path}:${block.line}: output of no runnable block`);
      latest.output = block.code;
    }
    if (!words.includes("runnable")) continue;
    if (language !== "ts") throw new Error(`${path}:${block.line}: only ts is runnable`);
    const file = words.find((word) => word.startsWith("file="))?.slice("file=".length);
    if (file === undefined || whole === undefined) {
      latest = { page: path, parts: [], output: undefined };
      programs.push(latest);
      if (file !== undefined) whole = latest;
    } else {
      latest = whole;
    }
    const spawned = words.includes("spawned");
    latest.parts.push({ ...block, file: file ?? "main.ts", spawned });
  }
  return programs;
}

/** The text of a part, moved down so that its lines have the numbers that they have on the page. */
export function sourceOf({ code, line }: Part): string {
  return "\n".repeat(line - 1) + code;
}
