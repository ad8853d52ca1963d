import { memoryStore } from "@arcp/runtime";
import { serveRuntime } from "./served-runtime.ts";
import type { StartTarget } from "./target.ts";

/** The runtime with the memory store. */
export const start: StartTarget = (options) => serveRuntime(memoryStore(), options);
