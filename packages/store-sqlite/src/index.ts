export type { LogLimits } from "./log-limits.ts";
export { type SqliteStoreOptions, sqliteStore } from "./sqlite-store.ts";
