import { expect, test } from "vitest";
import { story } from "./story.ts";

test("a key lives as long as its job, is rotated, and is never printed", async () => {
  const lines: string[] = [];
  await story((line) => lines.push(line));
  const told = lines.join("\n");
  expect(told).toContain("a key for mistral/*, USD 0.5, 60s: ProvisionedCredential {");
  expect(told).toContain("gpt-4 with [redacted]: 401");
  expect(told).toContain("rotated");
  expect(lines.at(-1)).toBe("the job has ended, and no key is left");
  expect(told).not.toMatch(/sk-/);
});
