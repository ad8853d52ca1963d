// Kills the runtime with -9 under a job whose children spend its money: `soak family [times]`.
import { amount } from "../../../scripts/soak-arguments.ts";
import { killFamily } from "../test/killing-family.ts";
import { Scratch } from "../test/scratch.ts";

const times = amount(process.argv[2], 50);
using scratch = new Scratch();
const { kills, children, orphans, spent } = await killFamily(
  scratch.newFile(),
  times,
  Math.random,
  (line) => console.log(line),
);
console.log(
  `${kills} kills, ${children} children, ${orphans} ended with their parent, USD ${spent / 1000} spent: one end each, every cent accounted for`,
);
