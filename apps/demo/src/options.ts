import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { listOnDisk, listTree } from "./tree.ts";

export interface Options {
  /** The absolute path of the tree to audit. */
  readonly root: string;
  /** Names of directories to skip. */
  readonly skip: readonly string[];
  /** How many files it holds. */
  readonly files: number;
  /** An absolute path outside the tree. */
  readonly probe: string;
  /** The share of the files after which the connection breaks, above 0 and below 1. */
  readonly dropAt: number;
  /** How long the tool calls of the whole run take together, in seconds. */
  readonly seconds: number;
}

export type OptionsOutcome =
  | { readonly kind: "run"; readonly options: Options }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly problem: string };

const help = `pnpm demo [path] [--drop-at <share>] [--seconds <n>]

Audits the source tree at <path> (this repository by default) by an agent
behind a WebSocket, breaks the connection in mid-run, resumes, and checks
that nothing was lost or repeated.

  --drop-at <share>  when to break it: 0.1 to 0.9 of the files; random by default
  --seconds <n>      how long the agent's tool calls take in all; 5 by default,
                     0 for full speed`;

const thisRepository = fileURLToPath(new URL("../../..", import.meta.url));

/** Generated or third-party files. */
const skip = ["node_modules", "dist", ".git", ".turbo", ".reports"];

/** Reads the command line. */
export async function readOptions(argv: readonly string[]): Promise<OptionsOutcome> {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(argv);
  } catch (error) {
    return wrong(error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error));
  }
  const { values, positionals } = given;
  if (values.help) return { kind: "help", text: help };
  if (positionals.length > 1) return wrong("give one path at most");
  const root = resolve(positionals[0] ?? thisRepository);
  const dropAt = Number(values["drop-at"] ?? 0.1 + 0.8 * Math.random());
  const seconds = Number(values.seconds ?? 5);
  if (!(dropAt >= 0.1 && dropAt <= 0.9)) return wrong("--drop-at takes 0.1 to 0.9");
  if (!(seconds >= 0 && seconds <= 3600)) return wrong("--seconds takes 0 to 3600");
  const kind = await stat(root).catch(() => undefined);
  if (kind === undefined) return wrong(`there is no directory ${root}`);
  if (!kind.isDirectory()) return wrong(`${root} is not a directory`);
  if (root.includes("*")) return wrong(`a lease cannot name ${root}: * is a wildcard there`);
  const probe = await outside(root);
  if (probe === undefined) return wrong(`${root} leaves no file outside that could be refused`);
  const { length: files } = (await listTree(listOnDisk, root, skip)).files;
  if (files === 0) return wrong(`${root} holds no files to audit`);
  return { kind: "run", options: { root, skip, files, probe, dropAt, seconds } };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      "drop-at": { type: "string" },
      seconds: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
}

/** A file that exists, outside the tree. */
async function outside(root: string): Promise<string | undefined> {
  const tree = `${await realpath(root)}/`.replace("//", "/");
  for (const path of ["/etc/passwd", process.execPath]) {
    const real = await realpath(path).catch(() => undefined);
    if (real !== undefined && !real.startsWith(tree)) return path;
  }
  return undefined;
}

function wrong(problem: string): OptionsOutcome {
  return { kind: "wrong", problem: `${problem} (--help shows how it is called)` };
}
