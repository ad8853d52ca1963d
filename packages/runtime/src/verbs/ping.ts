import { formatTimestamp } from "@arcp/core";
import type { Verb } from "./services.ts";

/** Replies immediately, whether or not heartbeats were negotiated (R-6.4-2). */
export const ping: Verb<"session.ping"> = ({ clock }, { session }, { payload }) => {
  session.say({
    type: "session.pong",
    payload: { ping_nonce: payload.nonce, received_at: formatTimestamp(clock.now()) },
  });
};
