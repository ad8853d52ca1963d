// Runs a turbo task in all packages: `node scripts/run.mjs build`. The output of deleted sources must not get into its cache.
import "./require-node.mjs";
import { turbo } from "./turbo.mjs";

process.exitCode = turbo(["run", ...process.argv.slice(2)]);
