import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { HangReporter } from "./hang-reporter.ts";

// Workers and the programs that tests start load the same modules again and again: Node compiles each of them once.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(
  new URL("../node_modules/.cache/node", import.meta.url),
);

/** Tests that put something else in a module's place, which files that share their modules would see too. */
const replacing = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => readFileSync(`src/${file}`, "utf8").includes("vi.mock("))
  .map((file) => `src/${file}`);

const include = ["src/**/*.test.ts"];

export default defineConfig({
  plugins: [
    {
      // Vitest would give Node the conditions of a bundler in development, which no program of a user has.
      name: "conditions-of-node",
      configResolved: ({ ssr }) => void ssr.resolve?.conditions?.splice(0, Infinity, "node"),
    },
  ],
  test: {
    // Nets for what hangs, wide since a small machine that does much else takes ten times as long. No test has one of its own.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 10 } },
    // A package may be younger than its first test.
    passWithNoTests: true,
    // The summary counts from this file, so it must also exist when the run comes from the cache.
    reporters: [
      "default",
      ["json", { outputFile: ".reports/vitest.json" }],
      // The longest hook, which plays a whole kit, has 300 s.
      new HangReporter(360_000),
    ],
    // The sources are what Node runs as it is: nothing has to be transformed, and no import goes through a proxy.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    projects: [
      // Most of the time of a short test would be the loading of its modules.
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
