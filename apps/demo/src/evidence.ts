import { type AuditLine, linesOf } from "./audit-report.ts";
import { PRICE } from "./code-audit.ts";
import { differenceFaults, handingFaults, sequenceFaults, type View } from "./sequence-check.ts";
import { digits } from "./text.ts";

/** The evidence of a run of the demo. */
export interface Evidence {
  readonly alice: View;
  readonly bob: View;
  readonly report: readonly AuditLine[];
  readonly budget: number;
  /** The last budget that each viewer heard of. */
  readonly credits: { readonly alice: number; readonly bob: number };
  /** Events that the agent emitted while alice had no connection. */
  readonly missed: number;
}

/** A claim, and what speaks against it: nothing if it holds. */
export interface Check {
  readonly claim: string;
  readonly faults: readonly string[];
}

export function checks(evidence: Evidence): Check[] {
  const { alice, bob, report, budget, credits, missed } = evidence;
  const probes = linesOf(report, "probe");
  const files = linesOf(report, "summary")[0]?.files ?? 0;
  // In hundredths, which are whole: the value must be the double nearest to the exact difference.
  const left = (budget * 100 - Math.round(files * PRICE * 100)) / 100;
  const events = alice.connections.flat().length;
  return [
    {
      claim: `alice was cut off, missed ${digits(missed)} events and resumed`,
      faults: [
        ...unless(alice.connections.length > 1, "alice's connection was never replaced"),
        ...unless(missed > 0, "nothing happened while alice was cut off"),
      ],
    },
    ...[alice, bob].map((view) => ({
      claim: `${view.name} saw event_seq 1 to ${digits(view.connections.flat().length)} once and in order`,
      faults: [...sequenceFaults(view), ...handingFaults(view)],
    })),
    {
      claim: `both saw the same ${digits(events)} events`,
      faults: differenceFaults(alice, bob),
    },
    {
      claim: "the read outside of the lease was refused",
      faults: unless(
        probes.length === 1 && probes[0]?.refused === "PERMISSION_DENIED",
        `the read outside of the lease ended with ${probes[0]?.refused ?? "success"}`,
      ),
    },
    {
      claim: `the budget is exact: ${budget} - ${files} x ${PRICE} = ${left} credits`,
      faults: [credits.alice, credits.bob]
        .filter((heard) => heard !== left)
        .map((heard) => `${heard} credits were reported as left, ${left} are`),
    },
  ];
}

function unless(holds: boolean, fault: string): string[] {
  return holds ? [] : [fault];
}
