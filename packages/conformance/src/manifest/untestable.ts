import type { RequirementId } from "./manifest.ts";

/** Requirements that no test of this repository verifies, and why. */
export const untestable: { readonly [id in RequirementId]?: string } = {};
