export { type Accept, type PeerInfo, serveStdio } from "./serve-stdio.ts";
export { type SpawnOptions, spawnRuntime } from "./spawn-runtime.ts";
export { type StreamOptions, streamTransport } from "./stream-transport.ts";
