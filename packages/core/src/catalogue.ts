import type { z } from "zod/mini";
import type { Feature } from "./feature.ts";
import {
  Accepted,
  Cancel,
  Cancelled,
  JobError,
  JobEvent,
  JobResult,
  Submit,
  Subscribe,
  Subscribed,
  Unsubscribe,
} from "./job-messages.ts";
import {
  Ack,
  Bye,
  Close,
  Closed,
  Hello,
  Jobs,
  ListJobs,
  Ping,
  Pong,
  Resume,
  SessionError,
  Welcome,
} from "./session-messages.ts";

/** Who sends a message: the client, the runtime, or either. */
export type Direction = "client" | "runtime" | "both";

/** What the protocol says of one type of message. */
export interface MessageDefinition {
  readonly direction: Direction;
  /** Whether it carries `event_seq` and belongs to the session's stream. */
  readonly sequenced: boolean;
  /** Whether its envelope names a job (R-5.1-4). */
  readonly job: boolean;
  /** The feature without which it may not be used; undefined when it is always there. */
  readonly feature: Feature | undefined;
  readonly payload: z.ZodMiniType;
}

function message<P extends z.ZodMiniType, D extends Direction>(
  direction: D,
  payload: P,
  rest: { sequenced?: boolean; job?: boolean; feature?: Feature } = {},
): MessageDefinition & { payload: P; direction: D } {
  const { sequenced = false, job = false, feature } = rest;
  return { direction, sequenced, job, feature, payload };
}

/** Every message of the protocol: its direction, whether it is numbered, what it needs, and the shape of its payload. */
export const catalogue = {
  "session.hello": message("client", Hello),
  "session.resume": message("client", Resume),
  "session.welcome": message("runtime", Welcome),
  "session.error": message("runtime", SessionError),
  "session.ping": message("both", Ping),
  "session.pong": message("both", Pong),
  "session.ack": message("client", Ack, { feature: "ack" }),
  "session.list_jobs": message("client", ListJobs, { feature: "list_jobs" }),
  "session.jobs": message("runtime", Jobs, { feature: "list_jobs" }),
  "session.close": message("client", Close),
  "session.closed": message("runtime", Closed),
  "session.bye": message("both", Bye),
  "job.submit": message("client", Submit),
  "job.accepted": message("runtime", Accepted, { job: true }),
  "job.event": message("runtime", JobEvent, { job: true, sequenced: true }),
  "job.result": message("runtime", JobResult, { job: true, sequenced: true }),
  "job.error": message("runtime", JobError, { job: true, sequenced: true }),
  "job.cancel": message("client", Cancel, { job: true }),
  "job.cancelled": message("runtime", Cancelled, { job: true }),
  "job.subscribe": message("client", Subscribe, { job: true, feature: "subscribe" }),
  "job.subscribed": message("runtime", Subscribed, { job: true, feature: "subscribe" }),
  "job.unsubscribe": message("client", Unsubscribe, { job: true, feature: "subscribe" }),
} as const satisfies Record<string, MessageDefinition>;

/** The types of messages, such as `job.submit`. */
export type MessageType = keyof typeof catalogue;

type Sends<D extends Direction> = {
  [T in MessageType]: (typeof catalogue)[T]["direction"] extends D | "both" ? T : never;
}[MessageType];

/** What a client may send. */
export type ClientMessageType = Sends<"client">;
/** What a runtime may send. */
export type RuntimeMessageType = Sends<"runtime">;

/** The payload of a message as it is read, with absent fields undefined and lenient forms made one. */
export type Payload<T extends MessageType> = z.output<(typeof catalogue)[T]["payload"]>;

/** Whether the protocol has messages of this type. */
export function isMessageType(type: string): type is MessageType {
  return Object.hasOwn(catalogue, type);
}
