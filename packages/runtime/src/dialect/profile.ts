/** Which forms a peer understands: those of the draft, or those of a published SDK. */
export type Profile = "draft" | "typescript" | "java" | "go" | "csharp";

/** What an opening request gives away about the client that wrote it. */
export interface Evidence {
  readonly type: string;
  /** Of the message; undefined when it is missing or of no use. */
  readonly id: string | undefined;
  /** Whether the envelope has a `timestamp`. */
  readonly timestamped: boolean;
  readonly client: string | undefined;
  readonly features: readonly string[];
}

/** The longest id of a message, in characters. */
const MAX_ID = 128;

const ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}";
const BARE_ULID = new RegExp(`^${ULID}$`);
const PREFIXED_ULID = new RegExp(`^msg_${ULID}$`);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads the evidence as far as it is there: a request that is refused is refused in its client's form too. */
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
 * Which profile a client has: the first match wins (R-D-2). It decides nothing but the forms that are sent.
 * @param setting what the operator has said of it
 */
export function profileOf(evidence: Evidence, setting?: Profile): Profile {
  if (setting !== undefined) return setting;
  const { type, id = "", timestamped, client, features } = evidence;
  // Our own client's marker is one of them (R-D-6).
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
