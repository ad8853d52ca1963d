import { Process } from "@arcp/docs/process";
import type { Project } from "./project.ts";
import type { Tarball } from "./tarball.ts";

/** Imports every entry of a package with only its dependencies installed, and runs its commands with `--help`. */
export async function importFaults({ manifest }: Tarball, project: Project): Promise<string[]> {
  const {
    name,
    exports = {},
    bin = {},
  } = manifest as Tarball["manifest"] & {
    bin?: Readonly<Record<string, string>>;
  };
  const entries = Object.keys(exports)
    .filter((entry) => entry !== "./package.json")
    .map((entry) => `await import(${JSON.stringify(name + entry.slice(1))});`);
  const commands = Object.values(bin).map((file) => [`node_modules/${name}/${file}`, "--help"]);
  const programs = [["--input-type=module", "--eval", entries.join("\n")], ...commands];
  const faults: string[] = [];
  for (const program of programs) {
    await using child = new Process(program, project.path, { node: project.node });
    const { code, stderr } = await child.exit;
    if (code !== 0) faults.push(`node ${program.join(" ")} failed:\n${stderr}`);
  }
  return faults;
}
