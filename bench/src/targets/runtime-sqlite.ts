import { join } from "node:path";
import { sqliteStore } from "@arcp/store-sqlite";
import { serveRuntime } from "./served-runtime.ts";
import type { StartTarget } from "./target.ts";

/** The same runtime on a SQLite file, with the package's defaults: its durability is not configured here. */
export const start: StartTarget = (options) => {
  const store = sqliteStore(join(options.directory, "runtime.db"));
  if (!store.durable) throw new Error("the store says that it is not durable");
  return serveRuntime(store, options);
};
