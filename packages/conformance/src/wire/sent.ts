import type { catalogue, MessageType } from "@arcp/core";
import type { z } from "zod";

/** The payload of a message as it may be written. */
export type Sent<T extends MessageType> = z.input<(typeof catalogue)[T]["payload"]>;

/** A message to send. The client fills in `arcp`, `id` and `session_id` if they are omitted. */
export interface WireMessage {
  readonly type: string;
  readonly id?: string | undefined;
  readonly job_id?: string | undefined;
  readonly trace_id?: string | undefined;
  readonly payload?: unknown;
  readonly [field: string]: unknown;
}
