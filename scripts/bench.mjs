import "./require-node.mjs";
import { join } from "node:path";
import { foreground } from "./foreground.mjs";
import { build } from "./turbo.mjs";
import { root } from "./workspace.mjs";

build("@arcp/bench...");
foreground(join(root, "bench/src/main.ts"), process.argv.slice(2));
