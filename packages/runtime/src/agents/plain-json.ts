import { ArcpError } from "@arcp/core";

/**
 * A copy of a value, as JSON carries it: what somebody was given or was shown changes no more when its giver changes.
 * @param what it is, for humans
 * @throws ArcpError `INVALID_REQUEST` for what is no JSON
 */
export function plainJson(value: unknown, what: string): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    throw new ArcpError("INVALID_REQUEST", `${what}: is not a JSON value`);
  }
}
