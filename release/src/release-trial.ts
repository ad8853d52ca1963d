import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { files, root } from "@arcp/docs/repository";
import { command } from "./command.ts";
import { manifestOf, publicPackages } from "./public-package.ts";
import { Temporary } from "./temporary.ts";

/** Creates the next versions and changelogs in a copy of the repository. @returns what is wrong with them */
export async function releaseFaults(): Promise<string[]> {
  using copy = new Temporary();
  const inCopy = (path: string) => join(copy.path, path);
  const git = (...args: string[]) =>
    command("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], copy.path);
  for (const path of files().filter(isAboutVersions)) {
    mkdirSync(dirname(inCopy(path)), { recursive: true });
    cpSync(join(root, path), inCopy(path));
  }
  symlinkSync(join(root, "node_modules"), inCopy("node_modules"));
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "package.json", "packages", ".changeset");
  await git("commit", "--quiet", "--message=now");
  const changeset = join(root, "node_modules/.bin/changeset");
  await command(changeset, ["status"], copy.path);
  await command(changeset, ["version"], copy.path);

  const faults: string[] = [];
  for (const { name, directory, manifest } of publicPackages()) {
    const next = manifestOf(readFileSync(inCopy(`${directory}/package.json`), "utf8")).version;
    if (manifest.version === "0.0.0" && next !== "0.1.0") {
      faults.push(
        `${name} was never published, and its next version is ${next}: name it in a changeset`,
      );
    }
    if (next === manifest.version) continue;
    const log = inCopy(`${directory}/CHANGELOG.md`);
    const text = existsSync(log) ? readFileSync(log, "utf8") : "";
    if (!text.startsWith(`# ${name}\n\n## ${next}\n\n### `)) {
      faults.push(`the changelog of ${name} does not begin with ${next}:\n${text.slice(0, 200)}`);
    }
  }
  return faults;
}

function isAboutVersions(path: string): boolean {
  return /(^|\/)package\.json$|^\.changeset\/|^pnpm-[^/]*\.yaml$/.test(path);
}
