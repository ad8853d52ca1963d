export { Client, type SubscribeOptions } from "./client.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export type { JobEvent } from "./job-event.ts";
export type { JobOutcome } from "./job-feed.ts";
export { Job, WatchedJob } from "./job-handle.ts";
export type { ConnectionState } from "./link-state.ts";
export type { ClientDescription, TokenSource } from "./opening.ts";
export type { SessionInfo } from "./session.ts";
export type { SubmitOptions } from "./submission.ts";
