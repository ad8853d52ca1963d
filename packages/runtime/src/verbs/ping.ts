import { formatTimestamp } from "@arcp/core";
import type { Verb } from "./services.ts";

/** Answers at once, whether heartbeats were agreed on or not (R-6.4-2). */
export const ping: Verb<"session.ping"> = ({ clock }, { session }, { payload }) => {
  session.say({
    type: "session.pong",
    payload: { ping_nonce: payload.nonce, received_at: formatTimestamp(clock.now()) },
  });
};
