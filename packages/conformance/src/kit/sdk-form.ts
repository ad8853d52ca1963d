import { randomUUID } from "node:crypto";
import { formatTimestamp, newMessageId, systemClock } from "@arcp/core";

export type SdkName = "typescript" | "java" | "go" | "csharp";

/** A position in a session, as a client stores it. */
export interface Place {
  readonly session: string;
  readonly token: string;
  readonly after: number;
}

/** How the client of an SDK writes, according to DIALECTS. */
export interface SdkForm {
  /** A fresh id of a message. */
  readonly id: () => string;
  /** The further fields of its envelopes. */
  readonly extra: () => object;
  readonly client: string;
  /** The fields of its hello for a resume. */
  readonly resume: (place: Place) => object;
  /** Where it puts the job that a request is about. */
  readonly target: (job: string) => { readonly header?: object; readonly payload?: object };
}

const bare = (): string => newMessageId("");
const inEnvelope = (job: string) => ({ header: { job_id: job } });
const flat = ({ token, after }: Place) => ({ resume_token: token, last_event_seq: after });
const nested = ({ session, ...place }: Place) => ({
  resume: { session_id: session, ...flat({ session, ...place }) },
});

export const sdkForms: Readonly<Record<SdkName, SdkForm>> = {
  typescript: {
    id: newMessageId,
    extra: () => ({}),
    client: "an-agent-host",
    resume: nested,
    target: inEnvelope,
  },
  java: {
    id: bare,
    extra: () => ({}),
    client: "arcp-client-java",
    resume: flat,
    target: inEnvelope,
  },
  go: {
    id: randomUUID,
    extra: () => ({}),
    client: "arcp-go-client",
    resume: nested,
    target: inEnvelope,
  },
  csharp: {
    id: newMessageId,
    extra: () => ({ timestamp: formatTimestamp(systemClock.now()).replace("Z", "+00:00") }),
    client: "a-service",
    resume: flat,
    target: (job) => ({ payload: { job_id: job } }),
  },
};
