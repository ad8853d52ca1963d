/** What Bun gets in place of `index.ts`: its `ws` has no socket to write to, so it dials as a browser does. */
export {
  type Accept,
  type Attachment,
  type AttachOptions,
  attach,
  type HttpServer,
} from "./attach.ts";
export type { ConnectionOptions } from "./connection-options.ts";
export type { HostRules } from "./host-check.ts";
export { type ListeningServer, type ListenOptions, listen } from "./listen.ts";
export type { PeerInfo } from "./peer.ts";
export { type DialOptions, dial } from "./platform-dial.ts";
