import type * as z from "zod/mini";
import type { Feature } from "./feature.ts";

/** Who may send a message: the client, the runtime, or either. */
export type Direction = "client" | "runtime" | "both";

/** The protocol's definition of one type of message. */
export interface MessageDefinition {
  readonly direction: Direction;
  /** Whether it carries `event_seq` and belongs to the session's stream. */
  readonly sequenced: boolean;
  /** Whether its envelope names a job (R-5.1-4). */
  readonly job: boolean;
  /** The feature that has to be negotiated for it; undefined if it needs none. */
  readonly feature: Feature | undefined;
  readonly payload: z.ZodMiniType;
}

/** Defines one type of message. */
export function message<P extends z.ZodMiniType, D extends Direction>(
  direction: D,
  payload: P,
  rest: { sequenced?: boolean; job?: boolean; feature?: Feature } = {},
): MessageDefinition & { payload: P; direction: D } {
  const { sequenced = false, job = false, feature } = rest;
  return { direction, sequenced, job, feature, payload };
}
