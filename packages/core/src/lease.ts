import * as z from "zod/mini";
import { absent, isObject, mapped } from "./json.ts";
import { Timestamp } from "./timestamp.ts";
import { isVendorName } from "./vendor-name.ts";

/** The capability namespaces that the protocol reserves (section 9.2). */
export const capabilities = [
  "fs.read",
  "fs.write",
  "net.fetch",
  "tool.call",
  "agent.delegate",
  "model.use",
  "cost.budget",
] as const;

/** What a lease may name: a reserved namespace, or one of a vendor's own. */
export type Capability = (typeof capabilities)[number] | `x-vendor.${string}`;

/**
 * What a job may do: capability namespaces to patterns, or, for `cost.budget`, to amounts such as `"USD:2.50"`. What is
 * missing grants nothing (R-9.1-1).
 */
export type Lease = { readonly [Namespace in Capability]?: readonly string[] };

/** Whether a lease may name this. */
export function isCapability(name: string): name is Capability {
  return (capabilities as readonly string[]).includes(name) || isVendorName(name);
}

/** A lease as a client requests it; an unknown namespace is refused (R-9.2-1). */
export const LeaseRequest = leaseOf(true);

const GrantedLease = leaseOf(false);

/**
 * A lease as a runtime grants it; namespaces that we do not know are kept. A missing one grants nothing (R-9.1-1): Go
 * leaves out what is empty.
 */
export const EffectiveLease = mapped(absent(GrantedLease), (lease): Lease => lease ?? {});

/** What bounds a lease besides its patterns (section 9.5). */
export const LeaseConstraints = z.object({ expires_at: absent(Timestamp) });
export type LeaseConstraints = z.infer<typeof LeaseConstraints>;

/** @param strict whether only namespaces that we know may be named */
function leaseOf(strict: boolean): z.ZodMiniCustom<Lease, Lease> {
  return z.custom<Lease>().check(
    z.superRefine((value: unknown, context) => {
      const problem = leaseProblem(value, strict);
      if (problem !== undefined) context.addIssue({ code: "custom", ...problem });
    }),
  );
}

const NAME = /^[\w.-]{1,64}$/;

function leaseProblem(
  value: unknown,
  strict: boolean,
): { message: string; path?: string[] } | undefined {
  if (!isObject(value)) {
    return { message: "must be an object of capability namespaces" };
  }
  for (const [namespace, patterns] of Object.entries(value)) {
    if (strict && !isCapability(namespace)) {
      const known = `known are ${capabilities.join(", ")} and x-vendor.<vendor>.<name>`;
      // What does not even look like a name may be anything, and is not repeated (R-5.3-6).
      return NAME.test(namespace)
        ? { message: `is not a capability; ${known}`, path: [namespace] }
        : { message: `has a name that is not a capability; ${known}` };
    }
    if (!Array.isArray(patterns) || patterns.some((p) => typeof p !== "string" || p === "")) {
      return { message: "must be an array of non-empty strings", path: [namespace] };
    }
  }
  return undefined;
}
