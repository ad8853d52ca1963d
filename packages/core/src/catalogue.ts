import type * as z from "zod/mini";
import {
  Ack,
  Cancel,
  Close,
  Hello,
  ListJobs,
  Resume,
  Submit,
  Subscribe,
  Unsubscribe,
} from "./client-messages.ts";
import { type Direction, type MessageDefinition, message } from "./message-definition.ts";
import { runtimeCatalogue } from "./runtime-catalogue.ts";

/** Every message of the protocol: its direction, whether it is sequenced, what it requires, and the schema of its payload. */
export const catalogue = {
  "session.hello": message("client", Hello),
  "session.resume": message("client", Resume),
  "session.ack": message("client", Ack, { feature: "ack" }),
  "session.list_jobs": message("client", ListJobs, { feature: "list_jobs" }),
  "session.close": message("client", Close),
  "job.submit": message("client", Submit),
  "job.cancel": message("client", Cancel, { job: true }),
  "job.subscribe": message("client", Subscribe, { job: true, feature: "subscribe" }),
  "job.unsubscribe": message("client", Unsubscribe, { job: true, feature: "subscribe" }),
  ...runtimeCatalogue,
} as const satisfies Record<string, MessageDefinition>;

/** The type of a message, such as `job.submit`. */
export type MessageType = keyof typeof catalogue;

type Sends<D extends Direction> = {
  [T in MessageType]: (typeof catalogue)[T]["direction"] extends D | "both" ? T : never;
}[MessageType];

/** The types of message that a client may send. */
export type ClientMessageType = Sends<"client">;
/** The types of message that a runtime may send. */
export type RuntimeMessageType = Sends<"runtime">;

/** The payload of a message after decoding: absent fields are undefined, and lenient forms are normalized. */
export type Payload<T extends MessageType> = z.output<(typeof catalogue)[T]["payload"]>;

/** Whether the protocol defines messages of this type. */
export function isMessageType(type: string): type is MessageType {
  return Object.hasOwn(catalogue, type);
}
