import { type Envelope, REQUEST_ID_FEATURE } from "@arcp/core";

/**
 * How runtimes differ, as far as it affects what a client sends (section DIALECTS). Whatever any of them sends is understood
 * from all of them (R-D-1). Nothing else in this package asks which runtime it talks to.
 */
export interface Dialect {
  /**
   * Whether every reply or error names its request, and repeated requests are recognised. Otherwise, requests whose replies could
   * be confused wait for each other (R-D-7), and a reply that names no request is assigned to one (R-5.4-6, R-D-8, R-D-9).
   */
  readonly correlates: boolean;
  /** How to resume: by `session.resume`, or by a hello that carries both forms of the SDKs, followed by that message if need be. */
  readonly resume: "session.resume" | "session.hello";
  /** The codes of a refused resume after which a plain hello may still be accepted. */
  readonly refusals: ReadonlySet<string>;
  /** What follows a `session.close` without a proper reply. `silence`: nothing is sent at all, since jobs would not survive it. */
  readonly farewell: "close" | "close, then bye" | "silence";
  /** How long a number may be missing before it counts as a gap, in ms (R-D-10). */
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

/** An unknown runtime. */
const draft: Dialect = {
  correlates: false,
  resume: "session.hello",
  // Go refuses a token with the second code; runtimes that do not know the message use the third.
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

/** What a welcome reveals about its sender. */
export interface Evidence {
  /** The features that both sides support. */
  readonly features: readonly string[];
  /** How the runtime describes itself. */
  readonly runtime: Envelope<"session.welcome">["payload"]["runtime"];
  /** The id of the welcome's envelope; undefined for a saved session, whose welcome is gone. */
  readonly id?: string | undefined;
  /** Whether the envelope has a `timestamp` of its own. */
  readonly isStamped?: boolean | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ULID = /^(msg_)?[0-9A-HJKMNP-TV-Z]{26}$/;

/**
 * Recognises the dialect of a runtime: first by our own feature mark, then by its name, if it is that of an SDK, then by the form
 * of its ids, which also tells the SDKs' clients apart. A wrong guess costs little: a second of patience, or a session that the
 * runtime forgets by itself.
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
