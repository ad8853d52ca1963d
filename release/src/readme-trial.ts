import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Page, page } from "@arcp/docs/page";
import { Process } from "@arcp/docs/process";
import { programsOf, sourceOf } from "@arcp/docs/program";
import { run } from "@arcp/docs/run";
import { Scratch } from "@arcp/docs/scratch";
import type { Project } from "./project.ts";

const DEADLINE = 100_000;
const moduleResolutions = ["nodenext", "bundler"] as const;

/** Follows a README in a project: installs what it names, compiles what it shows, and runs it. @returns what went wrong */
export async function readmeFaults(directory: string, project: Project): Promise<string[]> {
  const readme = page(`${directory}/README.md`);
  const named = namedBy(readme);
  const missing = importedBy(readme).filter((name) => !named.includes(name));
  if (missing.length > 0) {
    return [`README.md does not tell to install ${missing.join(", ")}, which it imports`];
  }
  await project.install([...named, "@types/node"]);
  return [...(await compileFaults(readme, project)), ...(await runFaults(readme, project))];
}

/** The packages that a page says to install. */
export function namedBy({ blocks }: Page): string[] {
  return blocks
    .filter(({ info }) => info === "sh")
    .flatMap(({ code }) => [...code.matchAll(/^npm install ([^#\n]*)/gm)])
    .flatMap(([, words = ""]) => words.split(/\s+/))
    .filter((word) => /^@?\w/.test(word));
}

/** The packages that a page's programs import. */
export function importedBy(readme: Page): string[] {
  const code = programsOf(readme).flatMap(({ parts }) => parts.map((part) => part.code));
  const names = code
    .flatMap((text) => [...text.matchAll(/(?:from|import|import\() ?"(@[\w-]+\/[\w-]+|[\w-]+)/g)])
    .map(([, name = ""]) => name)
    .filter((name) => name !== "node");
  return [...new Set(names)];
}

async function runFaults(readme: Page, project: Project): Promise<string[]> {
  const faults: string[] = [];
  for (const program of programsOf(readme)) {
    const at = `README.md:${program.parts.at(-1)?.line}`;
    const { code, hung, stdout, stderr } = await run(program, DEADLINE, project.path);
    if (hung) faults.push(`${at} did not end\n${stdout}${stderr}`);
    else if (code !== 0) faults.push(`${at} failed\n${stderr}`);
    else if (program.output !== undefined && program.output !== stdout) {
      faults.push(`${at} printed something else:\n${stdout}`);
    }
  }
  return faults;
}

/** The declarations of all imports are checked too: what they need must be there as well. */
async function compileFaults(readme: Page, project: Project): Promise<string[]> {
  using scratch = new Scratch(project.path);
  for (const [index, { parts }] of programsOf(readme).entries()) {
    for (const part of parts) scratch.write(`${index}/${part.file}`, sourceOf(part));
  }
  const { resolve } = createRequire(import.meta.url);
  const compiler = join(dirname(resolve("typescript/package.json")), "bin/tsc");
  const faults: string[] = [];
  for (const moduleResolution of moduleResolutions) {
    const compilerOptions = {
      strict: true,
      target: "es2024",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      module: moduleResolution === "bundler" ? "preserve" : moduleResolution,
      moduleResolution,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: false,
    };
    scratch.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["."] }));
    await using child = new Process([compiler, "--pretty", "false", "-p", "."], scratch.path);
    const { code, stdout } = await child.exit;
    if (code !== 0) faults.push(`README.md does not compile, as ${moduleResolution}:\n${stdout}`);
  }
  return faults;
}
