import type { Verb } from "./services.ts";

/** Takes note of how far the client is. There is no reply, whatever it says (R-6.5-4). */
export const ack: Verb<"session.ack"> = (_services, { session }, { payload }) =>
  session.stream.acknowledge(payload.last_processed_seq);
