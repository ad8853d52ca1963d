// Runtimes that are wrong in one place each: `soak mutations [part of a name]`. The kit has to tell for each what it breaks.
import { mutations } from "../test/mutations/mutations.ts";
import { trial } from "../test/mutations/trial.ts";

const [part = ""] = process.argv.slice(2);
const chosen = mutations.filter(({ name, breaks }) => name.includes(part) || breaks === part);
if (chosen.length === 0) throw new Error(`no mutation has "${part}" in its name`);

const { verdicts } = await trial(undefined, { only: chosen.map(({ breaks }) => breaks) });
const wrong = verdicts.filter(({ kind }) => kind !== "holds");
for (const { requirement, kind } of wrong)
  console.log(`${requirement.id}: ${kind} without any mutation`);

let missed = 0;
for (const mutation of chosen) {
  const { name, breaks } = mutation;
  const report = await trial(mutation, { only: [breaks], timeoutMs: 3000 });
  const caught = report.verdicts.find(({ requirement }) => requirement.id === breaks);
  if (caught?.kind === "broken") {
    const [failure] = caught.failures;
    console.log(`${breaks} ${name}\n   caught: ${failure?.message.split("\n", 1)}`);
  } else {
    missed += 1;
    console.log(`${breaks} ${name}\n   NOT CAUGHT`);
  }
}
console.log(`${chosen.length - missed} of ${chosen.length} mutations were caught`);
process.exitCode = missed > 0 || wrong.length > 0 ? 1 : 0;
