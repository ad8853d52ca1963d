import { ArcpError } from "@arcp/core";

/**
 * Copies a value through JSON, so that later changes by the caller have no effect.
 * @param what the name of the value, as text for people
 * @throws ArcpError `INVALID_REQUEST` if it is not JSON
 */
export function plainJson(value: unknown, what: string): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    throw new ArcpError("INVALID_REQUEST", `${what}: is not a JSON value`);
  }
}
