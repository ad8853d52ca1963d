// A task of turbo, in all packages: `node scripts/run.mjs build`. What is left of sources that are gone is not to get into its cache.
import "./require-node.mjs";
import { turbo } from "./turbo.mjs";

process.exitCode = turbo(["run", ...process.argv.slice(2)]);
