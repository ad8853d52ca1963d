import type { Verb } from "./services.ts";

/** Closes the connection in good order; the jobs and the session live on (R-6.7-1 to R-6.7-3). */
export const close: Verb<"session.close"> = (_house, { depart }, request) => {
  const { reason } = request.payload;
  depart({ type: "session.closed", payload: { request_id: request.id, reason } });
};

/** The same without a reply (R-6.7-4). */
export const bye: Verb<"session.bye"> = (_house, { depart }) => depart();
