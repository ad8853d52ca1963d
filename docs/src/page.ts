import { files, read } from "./repository.ts";

export interface CodeBlock {
  /** What stands behind the opening fence, such as `ts runnable file=client.ts`. */
  readonly info: string;
  readonly code: string;
  /** The line of the page on which the code begins, from 1. */
  readonly line: number;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

const FENCE = /^\s*(`{3,}|~{3,})(.*)$/;
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/;
const INLINE_LINK = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;
const REFERENCE = /^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/;

/** A Markdown file, read line by line: its code blocks, its prose without them, its links and anchors. */
export class Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly CodeBlock[];
  /** The lines outside of code blocks; a line of code is empty here, so that numbers stay. */
  readonly prose: readonly string[];

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    const blocks: CodeBlock[] = [];
    const prose: string[] = [];
    let open: { fence: string; info: string; line: number; code: string[] } | undefined;
    for (const [index, line] of text.split("\n").entries()) {
      const [, fence, info = ""] = FENCE.exec(line) ?? [];
      if (open === undefined && fence !== undefined) {
        open = { fence, info: info.trim(), line: index + 2, code: [] };
      } else if (open === undefined) {
        prose.push(line);
        continue;
      } else if (fence?.startsWith(open.fence) && info.trim() === "") {
        blocks.push({ info: open.info, line: open.line, code: `${open.code.join("\n")}\n` });
        open = undefined;
      } else {
        open.code.push(line);
      }
      prose.push("");
    }
    if (open !== undefined) throw new Error(`${path}:${open.line}: a code block without end`);
    this.blocks = blocks;
    this.prose = prose;
  }

  get title(): string {
    return HEADING.exec(this.prose.find((line) => HEADING.test(line)) ?? "")?.[1] ?? "";
  }

  get links(): readonly Link[] {
    return this.prose.flatMap((line, index) => {
      const text = line.replace(/`[^`]*`/g, "");
      const targets = [...text.matchAll(INLINE_LINK)].map(([, target = ""]) => target);
      const reference = REFERENCE.exec(text)?.[1];
      if (reference !== undefined) targets.push(reference);
      return targets.map((target) => ({ target, line: index + 1 }));
    });
  }

  /** What a link may name behind `#`, as the usual forges make it of the headings. */
  get anchors(): ReadonlySet<string> {
    const anchors = new Set<string>();
    for (const line of this.prose) {
      const heading = HEADING.exec(line)?.[1];
      if (heading === undefined) continue;
      const plain = slug(heading);
      let anchor = plain;
      for (let again = 1; anchors.has(anchor); again++) anchor = `${plain}-${again}`;
      anchors.add(anchor);
    }
    return anchors;
  }
}

export const pages: readonly Page[] = files()
  .filter((path) => path.endsWith(".md"))
  .map((path) => new Page(path, read(path)));

/** @throws Error when there is no such page */
export function page(path: string): Page {
  const found = pages.find((candidate) => candidate.path === path);
  if (found === undefined) throw new Error(`there is no page ${path}`);
  return found;
}

function slug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");
}
