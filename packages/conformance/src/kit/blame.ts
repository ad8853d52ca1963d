import { AssertionError } from "node:assert";
import { inspect } from "node:util";
import { isRequirementId, type RequirementId } from "../manifest/manifest.ts";
import { WireViolation } from "../wire/wire-violation.ts";
import type { Scenario } from "./scenario.ts";

const NAMED = /^(R-(?:D|\d+(?:\.\d+)?)-\d+)\b/;

/** The requirements that a failed scenario shows to be broken: those that the error names, otherwise all that it verifies. */
export function blame(error: unknown, { verifies }: Scenario): readonly RequirementId[] {
  if (error instanceof WireViolation) {
    return [...new Set(error.violations.map(({ rule }) => rule))];
  }
  const [, id = ""] = NAMED.exec(error instanceof Error ? error.message : "") ?? [];
  return isRequirementId(id) ? [id] : verifies;
}

/** What went wrong, with the actual and the expected value. */
export function explanation(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  if (!(error instanceof AssertionError) || error.generatedMessage) return error.message;
  return `${error.message}\nwas: ${inspect(error.actual, DEEP)}\nshould be: ${inspect(error.expected, DEEP)}`;
}

const DEEP = { depth: 6, breakLength: 120 };
