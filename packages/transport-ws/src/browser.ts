/** What a browser gets in place of `index.ts`: the same `dial`, on the platform's own WebSocket. */
export { type DialOptions, dial } from "./platform-dial.ts";
