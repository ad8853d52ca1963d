import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/**
 * The library `ws` as Bun gets it. For whoever asks by name Bun has a `ws` of its own, under which a socket that was full
 * once stalls for good; by its path it is the library itself.
 */
const library: typeof import("ws") = require(
  join(dirname(require.resolve("ws/package.json")), "index.js"),
);

export const { WebSocket, WebSocketServer } = library;
