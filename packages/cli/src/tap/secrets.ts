/** What stands in the place of a secret. */
const MASK = "***";

/** Names under which secrets travel: bearer and resume tokens of all SDKs. */
const SECRET = /^(.*token|authorization|password|secret|api_?key|credential_value)$/i;

/** The same in a text, with what follows up to the end of a string. */
const NAMED =
  /("(?:[^"]*token|authorization|password|secret|api_?key|credential_value|value)"\s*:\s*")(?:[^"\\]|\\.?)*/gi;

/** A message without its secrets: tokens, and the values of credentials. What is no text under such a name stays. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  const credential = isCredential(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const secret = SECRET.test(name) || (credential && name === "value");
      return [name, secret && typeof inner === "string" ? MASK : masked(inner)];
    }),
  );
}

/** For a frame that is no JSON. */
export function maskedText(text: string): string {
  return text.replace(NAMED, `$1${MASK}`);
}

/** One that was issued, or the news of a rotated one, in each form in which SDKs are sent it. */
function isCredential(value: object): boolean {
  if (!("value" in value)) return false;
  return "scheme" in value || "id" in value || "credential_id" in value;
}
