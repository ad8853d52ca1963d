/** What replaces a secret. */
const MASK = "***";

/** Property names that hold secrets: bearer and resume tokens of all SDKs. */
const SECRET = /^(.*token|authorization|password|secret|api_?key|credential_value)$/i;

/** The same in a text, with everything up to the end of the string. */
const NAMED =
  /("(?:[^"]*token|authorization|password|secret|api_?key|credential_value|value)"\s*:\s*")(?:[^"\\]|\\.?)*/gi;

/** A message without its secrets: tokens, and the values of credentials. A value under such a name stays if it is not a string. */
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

/** For a frame that is not JSON. */
export function maskedText(text: string): string {
  return text.replace(NAMED, `$1${MASK}`);
}

/** Whether this is an issued credential, or the news of a rotated one, in any form that SDKs receive. */
function isCredential(value: object): boolean {
  if (!("value" in value)) return false;
  return "scheme" in value || "id" in value || "credential_id" in value;
}
