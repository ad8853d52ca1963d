import { readdirSync, readFileSync } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { HangReporter } from "./hang-reporter.ts";

// Workers, and the programs that tests start, load the same modules again and again: with this, Node compiles each module once.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(
  new URL("../node_modules/.cache/node", import.meta.url),
);

/** Tests that replace a module, which other files would notice if they shared their modules with them. */
const replacing = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => readFileSync(`src/${file}`, "utf8").includes("vi.mock("))
  // Patterns have the same separator on every system.
  .map((file) => `src/${file.replaceAll(sep, "/")}`);

const include = ["src/**/*.test.ts"];

export default defineConfig({
  plugins: [
    {
      // Vitest would give Node the export conditions of a development bundler, which no user's program has.
      name: "conditions-of-node",
      configResolved: ({ ssr }) => void ssr.resolve?.conditions?.splice(0, Infinity, "node"),
    },
  ],
  test: {
    // Only to catch what hangs; generous, because a small, busy machine takes ten times as long. No test has a timeout of its own.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 10 } },
    // A package may be younger than its first test.
    passWithNoTests: true,
    // The summary counts from this file, so it must also exist when the run comes from the cache.
    reporters: [
      "default",
      ["json", { outputFile: ".reports/vitest.json" }],
      // The longest hook, which runs a whole conformance kit, has 300 s.
      new HangReporter(360_000),
    ],
    // Node runs the sources directly: nothing has to be transformed, and no import goes through a proxy.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    projects: [
      // Otherwise a short test would spend most of its time loading its modules.
      { extends: true, test: { name: "shared", include, exclude: replacing, isolate: false } },
      ...(replacing.length === 0
        ? []
        : [
            {
              extends: true as const,
              test: { name: "alone", include: replacing, experimental: { viteModuleRunner: true } },
            },
          ]),
    ],
  },
});
