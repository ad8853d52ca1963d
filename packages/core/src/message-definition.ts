import type * as z from "zod/mini";
import type { Feature } from "./feature.ts";

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

/** Says so of one type. */
export function message<P extends z.ZodMiniType, D extends Direction>(
  direction: D,
  payload: P,
  rest: { sequenced?: boolean; job?: boolean; feature?: Feature } = {},
): MessageDefinition & { payload: P; direction: D } {
  const { sequenced = false, job = false, feature } = rest;
  return { direction, sequenced, job, feature, payload };
}
