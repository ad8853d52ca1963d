import { isObject } from "./json.ts";
import { capabilities, formProblem, isCapability, leaseBy } from "./lease.ts";

// Kept apart from the leases that a runtime reports, because a web page has to decode only those.

/** A lease as a client requests it; an unknown namespace is refused (R-9.2-1). */
export const LeaseRequest = leaseBy((value) => foreignNamespace(value) ?? formProblem(value));

const NAME = /^[\w.-]{1,64}$/;

function foreignNamespace(value: unknown): { message: string; path?: string[] } | undefined {
  const foreign = isObject(value) && Object.keys(value).find((name) => !isCapability(name));
  if (typeof foreign !== "string") return undefined;
  const known = `the known ones are ${capabilities.join(", ")} and x-vendor.<vendor>.<name>`;
  // What does not even look like a name could be anything, so it is not repeated (R-5.3-6).
  return NAME.test(foreign)
    ? { message: `is not a capability; ${known}`, path: [foreign] }
    : { message: `has a name that is not a capability; ${known}` };
}
