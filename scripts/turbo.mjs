import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { removeStaleBuilds } from "./stale-builds.mjs";
import { root } from "./workspace.mjs";

const turboFile = createRequire(import.meta.url).resolve("turbo/bin/turbo");

/** Runs turbo with visible output and returns its exit code. */
export function turbo(args) {
  removeStaleBuilds();
  const { status } = spawnSync(process.execPath, [turboFile, ...args], options("inherit"));
  return status ?? 1;
}

/** Builds silently, because what follows uses the terminal. Only a failed build is shown. */
export function build(...packages) {
  removeStaleBuilds();
  const args = [
    "run",
    "build",
    "--output-logs=errors-only",
    ...packages.map((p) => `--filter=${p}`),
  ];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [turboFile, ...args],
    options("pipe"),
  );
  if (status === 0) return;
  process.stderr.write(stdout);
  process.stderr.write(stderr);
  process.exit(status ?? 1);
}

function options(stdio) {
  return {
    cwd: root,
    stdio,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1" },
    maxBuffer: 64 * 1024 * 1024,
  };
}
