// Long texts in a store that keeps a few of them, by chance: `soak long-texts [programs=5000] [seed]`.
import { playLongTexts } from "../test/chance/long-texts.ts";
import { soak } from "../test/chance/soak.ts";

await soak("long-texts", playLongTexts, 5000);
