// A client that drops, is taken over and outlives its runtime, by chance: `soak returns [programs=5000] [seed]`.
import { playReturns } from "../test/chance/returns.ts";
import { soak } from "../test/chance/soak.ts";

await soak("returns", playReturns, 5000);
