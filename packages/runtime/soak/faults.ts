// Stores that fail, observers that misbehave and a client that drops, by chance: `soak faults [programs=2000] [seed]`.
import { playFaults } from "../test/chance/faults.ts";
import { soak } from "../test/chance/soak.ts";

await soak("faults", playFaults, 2000);
