import "./require-node.mjs";
import { isConformancePageCurrent } from "./conformance-page.mjs";
import { removeReports, summarise } from "./test-summary.mjs";
import { turbo } from "./turbo.mjs";

// So whatever exists after the run was written, or restored from the cache, by this run.
removeReports();
const status = turbo([
  "run",
  "lint:tree",
  "typecheck",
  "test",
  "--continue=dependencies-successful",
  // Each package's tests use several processes already.
  "--concurrency=2",
  ...process.argv.slice(2),
]);
const current = status !== 0 || (await isConformancePageCurrent());
const passed = summarise();
process.exitCode = status || (passed && current ? 0 : 1);
