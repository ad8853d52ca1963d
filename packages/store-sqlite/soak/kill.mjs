// Kills the runtime with -9 in mid-stream, at random moments: `soak kill [times]`.
import { amount } from "../../../scripts/soak-arguments.ts";
import { killRepeatedly } from "../test/killing.ts";
import { Scratch } from "../test/scratch.ts";

const times = amount(process.argv[2], 50);
using scratch = new Scratch();
let count = 0;
const { kills, jobs, events } = await killRepeatedly(
  scratch.newFile(),
  times,
  Math.random,
  (line) => console.log(`${++count}: ${line}`),
);
console.log(
  `${kills} kills, ${jobs} jobs, ${events} events: nothing lost, nothing repeated, one end each`,
);
