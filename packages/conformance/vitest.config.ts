import { mergeConfig } from "vitest/config";
import shared from "../../scripts/vitest-config.ts";

// Most scenarios wait most of their time, for windows to end and for what must not come.
export default mergeConfig(shared, { test: { maxWorkers: 4 } });
