/** Replaces `index.ts` in a browser: the same `dial`, on the platform's own WebSocket. */
export { type DialOptions, dial } from "./platform-dial.ts";
