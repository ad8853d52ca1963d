import { expect, test } from "vitest";
import { masked, maskedText } from "./secrets.ts";

test.each([
  [{ auth: { scheme: "bearer", token: "s" } }, { auth: { scheme: "bearer", token: "***" } }],
  [
    { resume_token: "s", resumeToken: "s" },
    { resume_token: "***", resumeToken: "***" },
  ],
  [
    { credentials: [{ id: "c", scheme: "bearer", value: "s", endpoint: "https://a" }] },
    { credentials: [{ id: "c", scheme: "bearer", value: "***", endpoint: "https://a" }] },
  ],
  [
    {
      body: { phase: "credential_rotated", id: "c", value: "s", details: { id: "c", value: "s" } },
    },
    {
      body: {
        phase: "credential_rotated",
        id: "c",
        value: "***",
        details: { id: "c", value: "***" },
      },
    },
  ],
  [
    { credential_id: "c", credential_value: "s" },
    { credential_id: "c", credential_value: "***" },
  ],
  // These only look like one.
  [
    { name: "cost.search", value: 0.3 },
    { name: "cost.search", value: 0.3 },
  ],
  [
    { usage: { token: 12, tokens: "12" }, value: "shown" },
    { usage: { token: 12, tokens: "12" }, value: "shown" },
  ],
  [
    ["token", null],
    ["token", null],
  ],
])("no secret of %j is shown", (value, shown) => {
  expect(masked(value)).toEqual(shown);
});

test("text that is not JSON loses its secrets too", () => {
  expect(maskedText(`{"resume_token": "abc", "token":"def`)).toBe(
    `{"resume_token": "***", "token":"***`,
  );
  expect(maskedText(`"password":"a\\"b","apiKey": "c", "Authorization":"d\\`)).toBe(
    `"password":"***","apiKey": "***", "Authorization":"***`,
  );
  expect(maskedText("hello")).toBe("hello");
});
