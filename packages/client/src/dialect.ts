import { type Envelope, REQUEST_ID_FEATURE } from "@arcp/core";

/**
 * What runtimes do differently, as far as a client must know before it speaks (section DIALECTS). Whatever they send is
 * understood from everybody (R-D-1). Nothing else in this package asks who is there.
 */
export interface Dialect {
  /**
   * Every reply and every error of a request names it, and a request that is repeated is known again. Where not, requests
   * that an answer could be mistaken between wait for each other (R-D-7), and what names none is assigned (R-5.4-6,
   * R-D-8, R-D-9).
   */
  readonly correlates: boolean;
  /** How a resume is asked for: by its own message, or by a hello that has both forms of the SDKs and, if need be, that. */
  readonly resume: "session.resume" | "session.hello";
  /** The codes by which an attempt to resume is refused when a plain hello may be welcome all the same. */
  readonly refusals: ReadonlySet<string>;
  /** What follows on a `session.close` that has no good answer; or nothing is said, since jobs would not survive it. */
  readonly farewell: "close" | "close, then bye" | "silence";
  /** How long a number may be missing before that is a gap, in ms (R-D-10). */
  readonly patience: number;
  /** Whether the history of a subscription comes before its acknowledgement. */
  readonly replaysFirst: boolean;
}

const own: Dialect = {
  correlates: true,
  resume: "session.resume",
  refusals: new Set(["RESUME_WINDOW_EXPIRED"]),
  farewell: "close",
  patience: 0,
  replaysFirst: false,
};

/** A runtime that we do not know. */
const draft: Dialect = {
  correlates: false,
  resume: "session.hello",
  // Go refuses a token by the second code, and by the third whoever does not know the message.
  refusals: new Set(["RESUME_WINDOW_EXPIRED", "UNAUTHENTICATED", "INVALID_REQUEST"]),
  farewell: "close, then bye",
  patience: 0,
  replaysFirst: false,
};

export const dialects = {
  own,
  draft,
  typescript: { ...draft, replaysFirst: true },
  java: { ...draft, farewell: "silence" },
  go: { ...draft, patience: 1_000 },
  csharp: draft,
} as const satisfies Record<string, Dialect>;

/** What a welcome shows of who sent it. */
export interface Evidence {
  /** What both sides understand. */
  readonly features: readonly string[];
  /** How the runtime describes itself. */
  readonly runtime: Envelope<"session.welcome">["payload"]["runtime"];
  /** The id of the welcome's envelope; undefined for a session that was saved, whose welcome is gone. */
  readonly id?: string | undefined;
  /** Whether the envelope has a `timestamp` of its own. */
  readonly isStamped?: boolean | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ULID = /^(msg_)?[0-9A-HJKMNP-TV-Z]{26}$/;

/**
 * The dialect of a runtime. First comes our own mark, then the name, if it is an SDK's, then the form of the ids, by which
 * their clients are told apart too. A wrong guess costs little: a second of patience, or a session that the runtime
 * forgets by itself.
 */
export function dialectOf({ features, runtime, id = "", isStamped }: Evidence): Dialect {
  if (features.includes(REQUEST_ID_FEATURE)) return dialects.own;
  const words = runtime?.name?.toLowerCase().split(/[^a-z0-9#]+/) ?? [];
  if (words.includes("arcp")) {
    if (words.includes("go")) return dialects.go;
    if (words.includes("java")) return dialects.java;
  }
  if (UUID.test(id)) return dialects.go;
  const [ulid, prefix] = ULID.exec(id) ?? [];
  if (ulid === undefined) return dialects.draft;
  if (prefix === undefined) return dialects.java;
  return isStamped ? dialects.csharp : dialects.typescript;
}
