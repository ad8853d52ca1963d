import { inspect } from "node:util";
import { expect, test } from "vitest";
import { ProvisionedCredential } from "./provisioned-credential.ts";

test("R-9.8-13: no printable form of a credential contains its value", () => {
  const fields = { id: "c", scheme: "bearer", endpoint: "https://llm.example/v1" };
  const credential = new ProvisionedCredential({ ...fields, value: "the-old-secret" });
  const rotated = credential.rotated("the-new-secret");
  expect([credential.value, rotated.value]).toEqual(["the-old-secret", "the-new-secret"]);
  for (const held of [credential, rotated]) {
    expect(JSON.parse(JSON.stringify(held))).toEqual(fields);
    const shown = [
      inspect(held, { depth: null, showHidden: true, getters: false }),
      String(held),
      JSON.stringify({ ...held }),
      JSON.stringify(structuredClone(held)),
      JSON.stringify(Object.entries(held)),
    ];
    expect(shown.join()).not.toContain("secret");
  }
});
