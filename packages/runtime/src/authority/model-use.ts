import type { Lease } from "@arcp/core";
import type { CompiledLease } from "./lease.ts";

/**
 * Whether a job may call a model: one that a pattern of `model.use` matches (R-9.7-1), and without `model.use` one of the
 * `open` ones, which are none unless the operator said so (R-9.7-2). An empty `model.use` names no model, and none is open.
 */
export function mayCallModel(
  lease: CompiledLease,
  open: ReadonlySet<string>,
  model: string,
): boolean {
  return namesModels(lease.json) ? lease.covers("model.use", model) : open.has(model);
}

/**
 * The lease of a delegated job, with its parent's `model.use` where it names none and that would be a permission which the
 * parent has not got (R-9.4-3).
 * @param open as for {@link mayCallModel}
 */
export function withModelsOf(parent: Lease, open: ReadonlySet<string>, child: Lease): Lease {
  const inherits = open.size > 0 && namesModels(parent) && !namesModels(child);
  return inherits ? { ...child, "model.use": parent["model.use"] ?? [] } : child;
}

/**
 * A lease that a policy made of a requested one, where a dropped `model.use` means what it means in every other namespace:
 * nothing is granted any more.
 */
export function withClosedModels(requested: Lease, granted: Lease): Lease {
  const dropped = namesModels(requested) && !namesModels(granted);
  return dropped ? { ...granted, "model.use": [] } : granted;
}

function namesModels(lease: Lease): boolean {
  return lease["model.use"] !== undefined;
}
