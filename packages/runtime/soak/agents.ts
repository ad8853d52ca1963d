// Agents that use all that agents can use, with clients, stores, upstreams and processes that fail: `soak agents [programs=1000] [seed]`.
import { soak } from "../test/chance/soak.ts";
import { playSeed } from "../test/storm/play-seed.ts";

await soak("agents", playSeed, 1000);
