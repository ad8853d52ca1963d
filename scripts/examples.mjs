import "./require-node.mjs";
import { join } from "node:path";
import { foreground } from "./foreground.mjs";
import { build } from "./turbo.mjs";
import { root } from "./workspace.mjs";

build("examples^...");
foreground(join(root, "apps/examples/start.ts"), process.argv.slice(2));
