import type { Envelope, SessionId } from "@arcp/core";
import type { SessionRecord } from "./session-record.ts";
import type { Report } from "./violation.ts";

/** 128 bits in base64, the densest encoding that tokens usually have (R-6.2-10). */
const MIN_TOKEN = 22;

/** What an opening request asked for. */
export interface Opening {
  readonly id: string;
  readonly offered: readonly string[] | undefined;
  /** Undefined if a new session is requested. */
  readonly resume:
    | {
        readonly sessionId: SessionId | undefined;
        readonly lastEventSeq: number;
        /** Whether it came inside a hello. */
        readonly inHello: boolean;
      }
    | undefined;
}

/** Reads the three forms of a resume (R-6.3-1). */
export function readOpening(
  message: Envelope<"session.hello"> | Envelope<"session.resume">,
): Opening {
  const { id, payload } = message;
  const offered = payload.capabilities?.features;
  if (message.type === "session.resume") {
    const { session_id: sessionId, last_event_seq: lastEventSeq = 0 } = message.payload;
    return { id, offered, resume: { sessionId, lastEventSeq, inHello: false } };
  }
  const { resume, resume_token: token, last_event_seq: last } = message.payload;
  if (resume !== undefined) {
    const { session_id: sessionId, last_event_seq: lastEventSeq = 0 } = resume;
    return { id, offered, resume: { sessionId, lastEventSeq, inHello: true } };
  }
  if (token === undefined) return { id, offered, resume: undefined };
  return { id, offered, resume: { sessionId: undefined, lastEventSeq: last ?? 0, inHello: true } };
}

/** Checks a welcome against the request that it answers and against what is known of the session. */
export function checkWelcome(
  { payload }: Envelope<"session.welcome">,
  opening: Opening,
  known: SessionRecord | undefined,
  report: Report,
): void {
  const features = payload.capabilities.features ?? [];
  if (known !== undefined) {
    compareFeatures(features, known.features, report);
  } else if (opening.resume === undefined) {
    const extra = features.filter((name) => !(opening.offered ?? []).includes(name));
    if (extra.length > 0) report("R-6.2-2", `the client did not offer ${extra.join(", ")}`);
  }
  if (payload.resume_token.length < MIN_TOKEN) {
    report("R-6.2-10", "the resume token is too short for 128 random bits");
  }
  if (known?.tokens.has(payload.resume_token)) report("R-6.2-10", "the resume token is an old one");
  const beats = features.includes("heartbeat");
  if (beats !== (payload.heartbeat_interval_sec !== undefined)) {
    report("R-6.2-2", "heartbeat_interval_sec is present exactly when heartbeat is negotiated");
  }
}

function compareFeatures(
  listed: readonly string[],
  pinned: ReadonlySet<string>,
  report: Report,
): void {
  if (listed.length !== pinned.size || listed.some((name) => !pinned.has(name))) {
    report("R-6.3-16", `the session has the features ${[...pinned].join(", ") || "none"}`);
  }
}
