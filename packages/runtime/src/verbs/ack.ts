import type { Verb } from "./services.ts";

/** Records how far the client is. There is no reply, even to an invalid ack (R-6.5-4). */
export const ack: Verb<"session.ack"> = (_services, { session }, { payload }) =>
  session.stream.acknowledge(payload.last_processed_seq);
