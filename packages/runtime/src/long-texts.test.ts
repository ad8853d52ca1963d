import { expect, test } from "vitest";
import { playLongTexts } from "../test/chance/long-texts.ts";
import { playSeries } from "../test/chance/series.ts";

// `soak long-texts` runs as many more as you like.
test("a long text is read as it was written, however late, and all memory of texts is given back", async () => {
  const told = await playSeries(playLongTexts, { from: 1, count: 60 });
  // The programs did exercise something.
  expect(told.get("read")).toBeGreaterThan(500);
  expect(told.get("evicted")).toBeGreaterThan(1000);
  expect(told.get("resumes")).toBeGreaterThan(30);
  expect(told.get("blocks")).toBeGreaterThan(300);
});
