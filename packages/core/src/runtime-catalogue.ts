import { Accepted, Cancelled, JobError, JobEvent, JobResult, Subscribed } from "./job-messages.ts";
import { type MessageDefinition, message } from "./message-definition.ts";
import { Bye, Closed, Jobs, Ping, Pong, SessionError, Welcome } from "./session-messages.ts";

/** Every message that a runtime may send, which is all that a client has to decode. */
export const runtimeCatalogue = {
  "session.welcome": message("runtime", Welcome),
  "session.error": message("runtime", SessionError),
  "session.ping": message("both", Ping),
  "session.pong": message("both", Pong),
  "session.jobs": message("runtime", Jobs, { feature: "list_jobs" }),
  "session.closed": message("runtime", Closed),
  "session.bye": message("both", Bye),
  "job.accepted": message("runtime", Accepted, { job: true }),
  "job.event": message("runtime", JobEvent, { job: true, sequenced: true }),
  "job.result": message("runtime", JobResult, { job: true, sequenced: true }),
  "job.error": message("runtime", JobError, { job: true, sequenced: true }),
  "job.cancelled": message("runtime", Cancelled, { job: true }),
  "job.subscribed": message("runtime", Subscribed, { job: true, feature: "subscribe" }),
} as const satisfies Record<string, MessageDefinition>;
