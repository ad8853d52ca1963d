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

/** A namespace that a lease may name: a reserved one or a vendor's. */
export type Capability = (typeof capabilities)[number] | `x-vendor.${string}`;

/**
 * What a job may do: maps capability namespaces to patterns or, for `cost.budget`, to amounts such as `"USD:2.50"`. A missing
 * namespace grants nothing (R-9.1-1).
 */
export type Lease = { readonly [Namespace in Capability]?: readonly string[] };

/** Whether a lease may name this namespace. */
export function isCapability(name: string): name is Capability {
  return (capabilities as readonly string[]).includes(name) || isVendorName(name);
}

interface LeaseProblem {
  readonly message: string;
  readonly path?: string[];
}

/** A schema for leases. @param problemOf finds what is wrong with a value, if anything */
export function leaseBy(
  problemOf: (value: unknown) => LeaseProblem | undefined,
): z.ZodMiniCustom<Lease, Lease> {
  return z.custom<Lease>().check(
    z.superRefine((value: unknown, context) => {
      const problem = problemOf(value);
      if (problem !== undefined) context.addIssue({ code: "custom", ...problem });
    }),
  );
}

/**
 * A lease as a runtime reports it, granted or requested. Unknown namespaces are kept, since it is for the runtime to decide
 * which ones are known (R-9.2-1).
 */
export const ToldLease = leaseBy(formProblem);

/** A granted lease. A missing one grants nothing (R-9.1-1): Go omits empty objects. */
export const EffectiveLease = mapped(absent(ToldLease), (lease): Lease => lease ?? {});

/** The limits of a lease besides its patterns (section 9.5). */
export const LeaseConstraints = z.object({ expires_at: absent(Timestamp) });
export type LeaseConstraints = z.infer<typeof LeaseConstraints>;

/** What is wrong with the form of a lease, whatever namespaces it names. */
export function formProblem(value: unknown): LeaseProblem | undefined {
  if (!isObject(value)) {
    return { message: "must be an object of capability namespaces" };
  }
  for (const [namespace, patterns] of Object.entries(value)) {
    if (!Array.isArray(patterns) || patterns.some((p) => typeof p !== "string" || p === "")) {
      return { message: "must be an array of non-empty strings", path: [namespace] };
    }
  }
  return undefined;
}
