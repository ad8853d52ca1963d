import { expect, test } from "vitest";
import { isRequirementId, manifest } from "./manifest.ts";
import { sections } from "./section.ts";

const count = (strength: string): number =>
  manifest.filter((requirement) => requirement.strength === strength).length;

test("the manifest has all 290 requirements, each once", () => {
  expect(manifest).toHaveLength(290);
  expect(new Set(manifest.map(({ id }) => id)).size).toBe(290);
  expect([count("MUST"), count("SHOULD"), count("MAY")]).toEqual([259, 28, 3]);
});

test("each behaviour says what its strength says, in plain text", () => {
  for (const { id, strength, behaviour } of manifest) {
    expect(behaviour, id).toContain(strength);
    expect(behaviour, id).not.toMatch(/`|\(ours|^\s|\s$|\*\*\w/);
    expect(behaviour, id).toMatch(/\.$/);
  }
});

test("ids are dense within their section, and every section has some", () => {
  const last = new Map<string, number>();
  for (const { id, section } of manifest) {
    const number = Number(id.slice(`R-${section}-`.length));
    expect(id).toBe(`R-${section}-${number}`);
    expect(number).toBe((last.get(section) ?? 0) + 1);
    last.set(section, number);
  }
  expect([...last.keys()].sort()).toEqual(Object.keys(sections).sort());
});

test("ids are told from other texts", () => {
  expect(isRequirementId("R-6.3-9")).toBe(true);
  expect(isRequirementId("R-6.3-99")).toBe(false);
});
