import { expect, test } from "vitest";
import { startProfile, stopProfile } from "./profile.ts";
import { profileText } from "./profile-text.ts";

/** Work for some 50 ms: a share of all, however slow the machine is. */
function spin(): number {
  let sum = 0;
  for (let i = 0; i < 5e7; i++) sum += Math.sqrt(i);
  return sum;
}

test("the function that takes most time comes first, with the file that it is in", async () => {
  await startProfile();
  spin();
  const rows = await stopProfile();
  const row = rows.find(({ name }) => name === "spin");
  expect(row?.file).toBe("bench/src/profile.test.ts");
  expect(row?.share).toBeGreaterThan(0.3);
  expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  expect(rows.map(({ share }) => share)).toEqual(
    rows.map(({ share }) => share).toSorted((a, b) => b - a),
  );
  expect(rows.map(({ file }) => file)).not.toContain("node:inspector");
});

test("native code, which has no name, is listed with its caller", async () => {
  const text = "x".repeat(1 << 20);
  await startProfile();
  function count(): number {
    let sum = 0;
    // A fresh text each time, which is flattened in memory to be counted.
    for (let i = 0; i < 200; i++) sum += Buffer.byteLength(`${text}${i}`);
    return sum;
  }
  count();
  const rows = await stopProfile();
  expect(rows.map(({ name }) => name)).toContain("(native, for byteLength)");
  expect(rows.filter(({ name, file }) => name === "(anonymous)" && file === "")).toEqual([]);
});

test("a profile is printed as a table", () => {
  const file = "packages/runtime/src/session/view.ts";
  expect(profileText([{ name: "renderFrame", file, share: 0.1234 }])).toBe(
    `self time  function     file\n12.3 %     renderFrame  ${file}`,
  );
});

test("a profile that was not started cannot be ended", async () => {
  await expect(stopProfile()).rejects.toThrow("no profile was started");
});
