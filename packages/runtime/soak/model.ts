// The model check of the event path on larger configurations, the faults that it has to find, and the runtime's own
// connections beside the model: `soak model [depth] [states] [walks] [seed]`.
import { amount, seedOf } from "../../../scripts/soak-arguments.ts";
import { configurations, large, playedOf, small } from "../test/model/configurations.ts";
import { explore } from "../test/model/explore.ts";
import { type FaultName, faults } from "../test/model/fault.ts";
import { walk } from "../test/model/walk.ts";
import type { Configuration } from "../test/model/world.ts";

const [deep, many, often, given] = process.argv.slice(2);
const bounds = { depth: amount(deep, 16), states: amount(many, 2_000_000) };
const walking = { walks: amount(often, 1000), seed: seedOf(given) };
console.log(
  `model: to depth ${bounds.depth}, ${bounds.states} states of each configuration at most`,
);

for (const [name, configuration] of Object.entries<Configuration>(small)) {
  await check(name, configuration, {});
}
for (const [name, configuration] of Object.entries<Configuration>(large)) {
  await check(name, configuration, bounds);
}
for (const [name, { what, where, breaks }] of Object.entries(faults)) {
  const { found, states } = await explore(configurations[where], { fault: name as FaultName });
  console.log(`  ${name} (${what}): ${found?.violation.message ?? "NOT FOUND"}; ${states} states`);
  if (found?.violation.invariant !== breaks) process.exitCode = 1;
  tell(found);
}
const { walks, seed } = walking;
console.log(`connections, sessions and projectors beside the model: ${walks} walks, seed ${seed}`);
for (const [name, configuration] of playedOf(configurations)) await compare(name, configuration);

async function compare(name: string, configuration: Configuration): Promise<void> {
  const started = performance.now();
  const { steps, states, found } = await walk(configuration, walking);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`  ${name}: ${steps} steps, compared in ${states} states (${seconds} s)`);
  if (found === undefined) return;
  console.error(`  ${found.what.message}`);
  tell(found);
  process.exitCode = 1;
}

async function check(name: string, configuration: Configuration, options: object): Promise<void> {
  const started = performance.now();
  const { states, transitions, depth, exhausted, found } = await explore(configuration, options);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const covered = exhausted ? "all there are" : "cut off there";
  console.log(
    `  ${name}: ${states} states, ${transitions} transitions, depth ${depth}, ${covered} (${seconds} s)`,
  );
  if (found === undefined) return;
  console.error(`  ${found.violation.message}`);
  tell(found);
  process.exitCode = 1;
}

function tell(found: { readonly trace: readonly string[] } | undefined): void {
  for (const [i, step] of (found?.trace ?? []).entries()) console.log(`    ${i + 1}. ${step}`);
}
