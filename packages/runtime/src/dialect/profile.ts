/** Which forms a peer understands: those of the draft, or those of a published SDK. */
export type Profile = "draft" | "typescript" | "java" | "go" | "csharp";

/** What an opening request reveals about the client that wrote it. */
export interface Evidence {
  readonly type: string;
  /** The message id; undefined if it is missing or invalid. */
  readonly id: string | undefined;
  /** Whether the envelope has a `timestamp`. */
  readonly timestamped: boolean;
  readonly client: string | undefined;
  readonly features: readonly string[];
}

/** The most characters of a message id. */
const MAX_ID = 128;

const ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}";
const BARE_ULID = new RegExp(`^${ULID}$`);
const PREFIXED_ULID = new RegExp(`^msg_${ULID}$`);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads whatever evidence there is, because even a refused request is answered in its client's dialect. */
export function evidenceOf(frame: string): Evidence {
  const envelope = objectIn(parsed(frame));
  const payload = objectIn(envelope["payload"]);
  const id = textIn(envelope["id"]);
  const features = objectIn(payload["capabilities"])["features"];
  return {
    type: textIn(envelope["type"]) ?? "",
    id: id === "" || (id?.length ?? 0) > MAX_ID ? undefined : id,
    timestamped: envelope["timestamp"] !== undefined && envelope["timestamp"] !== null,
    client: textIn(objectIn(payload["client"])["name"]),
    features: Array.isArray(features) ? features.filter((name) => typeof name === "string") : [],
  };
}

/**
 * Determines the profile of a client; the first match wins (R-D-2). It affects only the form of what is sent.
 * @param setting the profile that the operator has set
 */
export function profileOf(evidence: Evidence, setting?: Profile): Profile {
  if (setting !== undefined) return setting;
  const { type, id = "", timestamped, client, features } = evidence;
  // Our own client's marker is such a feature (R-D-6).
  if (features.some((name) => name.startsWith("x-vendor."))) return "draft";
  if (type === "session.resume") return "draft";
  if (client === "arcp-go-client") return "go";
  if (client === "arcp-client-java") return "java";
  if (UUID.test(id)) return "go";
  if (BARE_ULID.test(id)) return "java";
  if (PREFIXED_ULID.test(id)) return timestamped ? "csharp" : "typescript";
  return "draft";
}

function parsed(frame: string): unknown {
  try {
    return JSON.parse(frame);
  } catch {
    return undefined;
  }
}

function objectIn(value: unknown): Record<string, unknown> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? { ...value } : {};
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
