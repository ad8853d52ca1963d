import "./require-node.mjs";
import { join } from "node:path";
import { foreground } from "./foreground.mjs";
import { build } from "./turbo.mjs";
import { root } from "./workspace.mjs";

build("@arcp/demo^...");
foreground(join(root, "apps/demo/src/main.ts"), process.argv.slice(2));
