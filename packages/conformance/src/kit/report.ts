import { manifest, type Requirement, type RequirementId } from "../manifest/manifest.ts";
import { beyondTheWire } from "./beyond-the-wire.ts";
import type { Facts } from "./facts.ts";
import type { Scenario } from "./scenario.ts";

/** How a scenario ended. */
export type Outcome =
  | { readonly kind: "passed"; readonly scenario: Scenario; readonly ms: number }
  | {
      readonly kind: "failed";
      readonly scenario: Scenario;
      readonly ms: number;
      /** What was wrong. */
      readonly message: string;
      /** The requirements that it shows to be broken. */
      readonly broken: readonly RequirementId[];
      /** The last frames of each of its connections, in both directions. */
      readonly frames: readonly string[];
    }
  | { readonly kind: "not-run"; readonly scenario: Scenario; readonly why: string };

/** The verdict on one requirement. */
export type Verdict =
  | { readonly kind: "holds"; readonly requirement: Requirement }
  | {
      readonly kind: "broken";
      readonly requirement: Requirement;
      readonly failures: readonly Extract<Outcome, { kind: "failed" }>[];
    }
  /** No scenario that shows it could be played, one broke off for another reason, or it cannot be observed on the wire at all. */
  | { readonly kind: "not-run"; readonly requirement: Requirement; readonly why: string };

/** The result of a run of the kit. */
export interface Report {
  readonly facts: Facts;
  readonly outcomes: readonly Outcome[];
  /** One for each requirement that was asked for, and for any other that turned out to be broken, in the manifest's order. */
  readonly verdicts: readonly Verdict[];
  /** Milliseconds. */
  readonly ms: number;
}

/** @param wanted whether a requirement was asked for */
export function verdictsOf(
  outcomes: readonly Outcome[],
  wanted: (requirement: Requirement) => boolean,
): Verdict[] {
  return manifest
    .filter((requirement) => wanted(requirement) || isBroken(requirement, outcomes))
    .map((requirement) => verdictOf(requirement, outcomes));
}

function isBroken({ id }: Requirement, outcomes: readonly Outcome[]): boolean {
  return outcomes.some((outcome) => outcome.kind === "failed" && outcome.broken.includes(id));
}

function verdictOf(requirement: Requirement, outcomes: readonly Outcome[]): Verdict {
  const failures = outcomes.filter(
    (outcome) => outcome.kind === "failed" && outcome.broken.includes(requirement.id),
  ) as Extract<Outcome, { kind: "failed" }>[];
  if (failures.length > 0) return { kind: "broken", requirement, failures };
  const about = outcomes.filter(({ scenario }) => scenario.verifies.includes(requirement.id));
  const failed = about.find(({ kind }) => kind === "failed");
  // It may have ended before it could show what it was for.
  if (failed !== undefined) {
    const why = `another requirement broke first: ${failed.scenario.name}`;
    return { kind: "not-run", requirement, why };
  }
  if (about.some(({ kind }) => kind === "passed")) return { kind: "holds", requirement };
  return { kind: "not-run", requirement, why: whyNot(requirement, about) };
}

function whyNot({ id, side }: Requirement, about: readonly Outcome[]): string {
  for (const outcome of about) if (outcome.kind === "not-run") return outcome.why;
  if (side === "client") return "binds the client";
  return beyondTheWire[id] ?? "no scenario shows it";
}
