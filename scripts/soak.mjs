import "./require-node.mjs";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { foreground } from "./foreground.mjs";
import { build } from "./turbo.mjs";
import { members, root } from "./workspace.mjs";

const soaks = new Map();
for (const directory of members.map((member) => join(root, member, "soak")).filter(existsSync)) {
  for (const file of readdirSync(directory)) {
    const soak = /^([\w-]+)\.(?:mjs|ts)$/.exec(file)?.[1];
    if (soak) soaks.set(soak, join(directory, file));
  }
}

const [name, ...args] = process.argv.slice(2);
const list = [...soaks.keys()].sort().join(", ") || "none yet";
const file = soaks.get(name);
if (name === undefined) {
  console.log(`Soaks: ${list}`);
} else if (file === undefined) {
  console.error(`There is no soak "${name}". Soaks: ${list}`);
  process.exitCode = 1;
} else {
  build();
  foreground(file, args);
}
