import type { Verb } from "./services.ts";
import { namedJob } from "./target.ts";

/** Stops a subscription without a reply; an owner keeps following its job (R-7.6-8). */
export const unsubscribe: Verb<"job.unsubscribe"> = (_services, { session }, request) => {
  const job = namedJob(request);
  return session.subscriptions.run(() =>
    session.change(() => {
      if (session.stream.attachments.get(job)?.role === "observer")
        session.stream.attachments.detach(job);
    }),
  );
};
