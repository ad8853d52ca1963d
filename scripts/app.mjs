// The `start` script of an app or the bench, run in its directory: builds the packages that it imports, then runs the given file.
import "./require-node.mjs";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { foreground } from "./foreground.mjs";
import { build } from "./turbo.mjs";

const { name } = JSON.parse(readFileSync("package.json", "utf8"));
const [file, ...args] = process.argv.slice(2);
build(`${name}^...`);
foreground(resolve(file), args);
