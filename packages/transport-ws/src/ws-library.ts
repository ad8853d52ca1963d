import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/**
 * The real library `ws`, also on Bun. If it is imported by name, Bun substitutes a `ws` of its own, with which a socket that was
 * full once stalls for good; loaded by path, it is the library itself.
 */
const library: typeof import("ws") = require(
  join(dirname(require.resolve("ws/package.json")), "index.js"),
);

export const { WebSocket, WebSocketServer } = library;
