// The `start` of an app, called in its directory: builds the packages that it imports, then runs its src/main.ts.
import "./require-node.mjs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { foreground } from "./foreground.mjs";
import { build } from "./turbo.mjs";

const { name } = JSON.parse(readFileSync("package.json", "utf8"));
build(`${name}^...`);
foreground(join(process.cwd(), "src/main.ts"), process.argv.slice(2));
