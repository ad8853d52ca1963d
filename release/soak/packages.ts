// Packs every public package, installs each in an empty project outside the workspace, and uses it there as its README says:
// `soak packages [name…]`. With `--write` it writes the table of install sizes.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "@arcp/docs/repository";
import { contentFaults } from "../src/contents.ts";
import { importFaults } from "../src/import-trial.ts";
import { pageFaults, pageOf } from "../src/install-page.ts";
import { type InstallSize, sizeFaults, sizeOf } from "../src/install-size.ts";
import { licenceFaults } from "../src/licence.ts";
import { publintFaults, typeFaults } from "../src/lint.ts";
import { manifestFaults } from "../src/manifest.ts";
import { Project } from "../src/project.ts";
import { publicPackages } from "../src/public-package.ts";
import { readmeFaults } from "../src/readme-trial.ts";
import { releaseFaults } from "../src/release-trial.ts";
import { packAll, type Tarball } from "../src/tarball.ts";
import { Temporary } from "../src/temporary.ts";

const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const write = process.argv.includes("--write");
const page = join(root, "docs/install-sizes.md");

using directory = new Temporary();
const tarballs = await packAll(directory.path);
const sizes: InstallSize[] = [];
for (const { name, directory: home } of publicPackages()) {
  if (names.length > 0 && !names.includes(name)) continue;
  const tarball = tarballs.find((one) => one.name === name);
  tell(name, tarball === undefined ? ["it was not packed"] : await faultsOf(tarball, home));
}
tell("the next release", await releaseFaults());
if (write && names.length === 0 && process.exitCode === undefined) {
  writeFileSync(page, pageOf(sizes));
  console.log(`wrote ${page}`);
}

async function faultsOf(tarball: Tarball, home: string): Promise<string[]> {
  using project = new Project(tarballs);
  await project.install([tarball.name]);
  const installed = project.installed();
  const size = sizeOf(tarball, installed);
  sizes.push(size);
  return [
    ...contentFaults(tarball),
    ...manifestFaults(tarball),
    ...(await publintFaults(tarball)),
    ...(await typeFaults(tarball)),
    ...licenceFaults(installed),
    ...sizeFaults(size, installed),
    ...(write ? [] : pageFaults(readFileSync(page, "utf8"), size)),
    ...(await importFaults(tarball, project)),
    ...(await readmeFaults(home, project)),
  ];
}

function tell(what: string, faults: readonly string[]): void {
  console.log(faults.length === 0 ? `${what}: good` : `${what}: ${faults.length} faults`);
  for (const fault of faults) console.error(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}
