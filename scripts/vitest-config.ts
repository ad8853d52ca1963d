import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts"],
    // Generous, since a small machine runs several packages at a time. What has to be quick asserts that itself.
    testTimeout: 30_000,
    // A package may be younger than its first test.
    passWithNoTests: true,
    // The summary counts from this file, so it must also exist when the run comes from the cache.
    reporters: ["default", ["json", { outputFile: ".reports/vitest.json" }]],
  },
});
