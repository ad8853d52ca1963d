// Creates a starter project as `arcp new` does, but with packages packed from this clone, so it needs no registry for them.
import "./require-node.mjs";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "./turbo.mjs";
import { root } from "./workspace.mjs";

const TARBALLS = "packages";
const { packageManager } = json(join(root, "package.json"));
const from = process.env.INIT_CWD ?? process.cwd();
const [name = ""] = process.argv.slice(2);
const directory = resolve(from, name);

build("./packages/*");
const made = run(
  process.execPath,
  [join(root, "packages/cli/bin/arcp.js"), "new", ...(name && [name])],
  from,
);
const tarballs = join(directory, TARBALLS);
run(
  "npx",
  [
    "--yes",
    packageManager,
    "--recursive",
    "--filter=./packages/*",
    "pack",
    "--pack-destination",
    tarballs,
  ],
  root,
);

const files = Object.fromEntries(
  readdirSync(join(root, "packages")).map((member) => {
    const { name, version } = json(join(root, "packages", member, "package.json"));
    return [name, `file:${TARBALLS}/${name.slice(1).replace("/", "-")}-${version}.tgz`];
  }),
);
const manifest = json(join(directory, "package.json"));
for (const name of Object.keys(manifest.dependencies)) {
  manifest.dependencies[name] = files[name] ?? manifest.dependencies[name];
}
// For the dependencies between the packages too.
manifest.overrides = files;
writeFileSync(join(directory, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
process.stdout.write(made);

/** Runs a command silently. @returns its output; if it fails, shows its errors and exits with its code */
function run(program, args, cwd) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  process.stderr.write(stderr || stdout);
  process.exit(status ?? 1);
}

function json(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}
