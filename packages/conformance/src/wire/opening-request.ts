import { features, REQUEST_ID_FEATURE } from "@arcp/core";
import type { WireMessage } from "./sent.ts";

/** The forms in which a session can be resumed (R-6.3-1); `after-hello` is a `session.resume` on a fresh session (R-6.3-3). */
export type ResumeForm = "resume" | "nested" | "flat" | "after-hello";

/** What a client presents when it opens a connection. */
export interface Introduction {
  /** The bearer token; null presents none, which only a `session.resume` may try (R-6.1-1, R-6.3-2). */
  readonly token: string | null;
  /** What it offers; if omitted, all features of the protocol but `ack`, which this client would not live up to. */
  readonly features?: readonly string[];
  readonly client?: { readonly name: string; readonly version: string };
}

/** Where a client wants to go on. */
export interface ResumePosition {
  readonly sessionId: string;
  readonly resumeToken: string;
  readonly lastEventSeq: number;
}

/** @returns the opening request of a connection; for `after-hello` the second message, whose hello is a plain one */
export function openingRequest(
  { token, features: offered = allFeatures, client = self }: Introduction,
  resume?: ResumePosition & { readonly form: ResumeForm },
): WireMessage {
  const auth = token === null ? {} : { auth: { scheme: "bearer", token } };
  const capabilities = { encodings: ["json"], features: offered };
  const hello = { client, ...auth, capabilities };
  if (resume === undefined) return { type: "session.hello", payload: hello };
  const flat = { resume_token: resume.resumeToken, last_event_seq: resume.lastEventSeq };
  const position = { session_id: resume.sessionId, ...flat };
  switch (resume.form) {
    case "nested":
      return { type: "session.hello", payload: { ...hello, resume: position } };
    case "flat":
      return { type: "session.hello", payload: { ...hello, ...flat } };
    case "resume":
      return { type: "session.resume", payload: { ...position, ...hello } };
    case "after-hello":
      return { type: "session.resume", payload: position };
  }
}

const allFeatures: readonly string[] = [
  ...features.filter((name) => name !== "ack"),
  REQUEST_ID_FEATURE,
];
const self = { name: "arcp-conformance", version: "1.0.0" };
