import type { MessageType } from "@arcp/core";
import type { RequirementId } from "../manifest/manifest.ts";

/**
 * The fields that core's schemas do not require, since other SDKs omit them, and that a good sender always writes: a path inside
 * the payload (its value may be `null`) and the requirement behind it.
 */
export const requiredFields: Partial<
  Record<MessageType, readonly (readonly [path: string, rule: RequirementId])[]>
> = {
  "session.hello": [
    ["auth.scheme", "R-6.1-1"],
    ["auth.token", "R-6.1-1"],
    ["client.name", "R-D-1"],
    ["client.version", "R-D-1"],
  ],
  "session.welcome": [
    ["runtime.name", "R-6.2-7"],
    ["runtime.version", "R-6.2-7"],
    ["capabilities.agents", "R-6.2-7"],
  ],
  "session.error": [
    ["message", "R-12-2"],
    ["retryable", "R-12-2"],
  ],
  "session.ping": [["sent_at", "R-6.4-2"]],
  "session.pong": [["received_at", "R-6.4-2"]],
  "session.jobs": [
    ["request_id", "R-5.4-1"],
    ["next_cursor", "R-D-1"],
  ],
  "job.accepted": [
    ["accepted_at", "R-D-1"],
    ["trace_id", "R-11-4"],
  ],
  "job.event": [["ts", "R-8.1-1"]],
  "job.error": [
    ["message", "R-12-2"],
    ["retryable", "R-12-2"],
  ],
  "job.cancel": [["job_id", "R-D-1"]],
  "job.cancelled": [
    ["request_id", "R-5.4-1"],
    ["job_id", "R-D-1"],
  ],
  "job.subscribe": [["job_id", "R-D-1"]],
  "job.subscribed": [
    ["request_id", "R-5.4-1"],
    ["parent_job_id", "R-D-1"],
    ["trace_id", "R-11-4"],
    ["subscribed_from", "R-D-1"],
    ["replayed", "R-7.6-5"],
    ["last_job_seq", "R-7.6-11"],
  ],
  "job.unsubscribe": [["job_id", "R-D-1"]],
};

/** The same for each entry of `session.jobs`. */
export const requiredListingFields: readonly (readonly [path: string, rule: RequirementId])[] = [
  ["parent_job_id", "R-D-1"],
  ["last_event_seq", "R-D-1"],
  ["last_job_seq", "R-7.6-11"],
];
