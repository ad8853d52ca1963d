import { checkOptions, LocalError, type OptionRules, rule, systemClock } from "@arcp/core";
import type { Requirement } from "../manifest/manifest.ts";
import { blame, explanation } from "./blame.ts";
import type { Facts } from "./facts.ts";
import { probe } from "./probe.ts";
import { type Outcome, type Report, verdictsOf } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios as allScenarios } from "./scenarios/index.ts";
import { Site } from "./site.ts";
import type { Target } from "./target.ts";

/** Which scenarios of the kit are run, and how. */
export interface RunOptions {
  /** Which requirements to check, by the beginning of their id or section: `6.3`, `R-6.3-9`. Default: all. */
  readonly only?: readonly string[];
  /** How many scenarios run at the same time. Default 8. */
  readonly concurrency?: number;
  /** Milliseconds that each reply of the runtime may take. Default 10,000, and 5,000 for the probe before the first scenario. */
  readonly timeoutMs?: number;
  /** Aborts the scenarios that are running, and starts no more. */
  readonly signal?: AbortSignal;
  /** Called when a scenario is over, with how many are done and how many there are in all. */
  readonly onOutcome?: (outcome: Outcome, done: number, all: number) => void;
  /** Default: those of this package. */
  readonly scenarios?: readonly Scenario[];
}

const RULES: OptionRules<RunOptions> = {
  only: rule.texts,
  concurrency: rule.wholeAboveZero,
  timeoutMs: rule.aboveZero,
  signal: rule.having<AbortSignal>("an AbortSignal", "throwIfAborted"),
  onOutcome: rule.method,
  scenarios: rule.array,
};

/**
 * Runs the scenarios against a runtime and reports which requirements hold.
 *
 * @throws LocalError in one line when there is no runtime to test (`probe.ts` asks for one), or it goes away meanwhile; the signal's
 *   reason when it aborts; LocalError `MISUSE` for an option of another kind or that there is not
 */
export async function runConformance(target: Target, options: RunOptions = {}): Promise<Report> {
  checkOptions("runConformance", options, RULES);
  const { only = [], concurrency = 8, scenarios = allScenarios } = options;
  const started = systemClock.monotonic();
  const wanted = ({ id, section }: Requirement): boolean =>
    only.length === 0 || only.some((text) => names(text, id, section));
  const facts = await probe(target, options.timeoutMs);
  // A scenario that finds the runtime gone stops the others too.
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, ...(options.signal ? [options.signal] : [])]);
  const played = scenarios.filter(({ verifies }) =>
    verifies.some((id) => only.length === 0 || only.some((text) => names(text, id, sectionOf(id)))),
  );
  const outcomes: Outcome[] = [];
  const play = async (scenario: Scenario): Promise<void> => {
    signal.throwIfAborted();
    const outcome = await outcomeOf(scenario, target, facts, { ...options, signal });
    signal.throwIfAborted();
    if (outcome.kind === "failed") {
      await assertThere(target, scenario).catch((error: unknown) => gone.abort(error));
      signal.throwIfAborted();
    }
    outcomes.push(outcome);
    options.onOutcome?.(outcome, outcomes.length, played.length);
  };
  const together = played.filter(({ alone }) => alone !== true).values();
  const players = Array.from({ length: concurrency }, async () => {
    for (const scenario of together) await play(scenario);
  });
  // All must end, so that nothing is left behind.
  const ends = await Promise.allSettled(players);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  for (const scenario of played) if (scenario.alone === true) await play(scenario);
  outcomes.sort((a, b) => played.indexOf(a.scenario) - played.indexOf(b.scenario));
  return {
    facts,
    outcomes,
    verdicts: verdictsOf(outcomes, wanted),
    ms: systemClock.monotonic() - started,
  };
}

/** Runs one scenario. Never rejects. */
export async function outcomeOf(
  scenario: Scenario,
  target: Target,
  facts: Facts,
  { timeoutMs = 10_000, signal }: Pick<RunOptions, "timeoutMs" | "signal"> = {},
): Promise<Outcome> {
  for (const need of scenario.needs ?? []) {
    const why = need(facts);
    if (why !== undefined) return { kind: "not-run", scenario, why };
  }
  const started = systemClock.monotonic();
  const site = new Site(target, facts, { timeoutMs, ...(signal && { signal }) });
  const failure = await failureOf(async () => {
    await scenario.play(site);
  });
  const frames = failure === undefined ? [] : site.frames();
  const late = await failureOf(() => site.close());
  const error = failure ?? late;
  const ms = systemClock.monotonic() - started;
  if (error === undefined) return { kind: "passed", scenario, ms };
  return {
    kind: "failed",
    scenario,
    ms,
    message: explanation(error.thrown),
    broken: blame(error.thrown, scenario),
    frames: frames.length === 0 ? site.frames() : frames,
  };
}

/** A runtime that is gone breaks no requirement, but makes every scenario fail. */
async function assertThere(target: Target, { name }: Scenario): Promise<void> {
  const line = await target.connect().catch((error: Error) => {
    const text = `the runtime went away while this was played: ${name} (${error.message})`;
    throw new LocalError("TRANSPORT_CLOSED", text);
  });
  line.sever();
}

async function failureOf(work: () => Promise<void>): Promise<{ thrown: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    return { thrown };
  }
}

function names(text: string, id: string, section: string): boolean {
  const wanted = text.replace(/^R-/i, "");
  const own = id.slice("R-".length);
  return own === wanted || section === wanted || section.startsWith(`${wanted}.`);
}

function sectionOf(id: string): string {
  return id.slice("R-".length, id.lastIndexOf("-"));
}
