import { mergeConfig } from "vitest/config";
import shared from "../../scripts/vitest-config.ts";

// The module that imports those of users has to be run by Node itself, since that is what it is about.
export default mergeConfig(shared, {
  test: {
    // Hooks of Vitest, which it has for imports by Node itself, are in the way of those of this package.
    experimental: { viteModuleRunner: true },
    server: { deps: { external: [/\/src\/serving\/module-import\.ts$/] } },
  },
});
