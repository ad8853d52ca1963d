import type { RequirementId } from "../manifest/manifest.ts";

/** Requirements of a runtime that no scenario can show, since they cannot be seen on the wire, and why. */
export const beyondTheWire: { readonly [id in RequirementId]?: string } = {};
