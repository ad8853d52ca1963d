import type { Lease } from "@arcp/core";
import type { CompiledLease } from "./lease.ts";

/**
 * Whether a job may call a model: one that a pattern of `model.use` matches (R-9.7-1) or, without `model.use`, one of the `open`
 * models, of which there are none unless the operator says so (R-9.7-2). An empty `model.use` allows no model.
 */
export function mayCallModel(
  lease: CompiledLease,
  open: ReadonlySet<string>,
  model: string,
): boolean {
  return namesModels(lease.json) ? lease.covers("model.use", model) : open.has(model);
}

/**
 * The lease of a delegated job. If it has no `model.use`, it gets its parent's where its own absence would allow models that the
 * parent may not call (R-9.4-3).
 * @param open as for {@link mayCallModel}
 */
export function withModelsOf(parent: Lease, open: ReadonlySet<string>, child: Lease): Lease {
  const inherits = open.size > 0 && namesModels(parent) && !namesModels(child);
  return inherits ? { ...child, "model.use": parent["model.use"] ?? [] } : child;
}

/**
 * The lease that a policy made of a requested one. If the policy dropped `model.use`, that means the same as in every other
 * namespace: nothing is granted.
 */
export function withClosedModels(requested: Lease, granted: Lease): Lease {
  const dropped = namesModels(requested) && !namesModels(granted);
  return dropped ? { ...granted, "model.use": [] } : granted;
}

function namesModels(lease: Lease): boolean {
  return lease["model.use"] !== undefined;
}
