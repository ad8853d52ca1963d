import { Page } from "@arcp/docs/page";
import { expect, test } from "vitest";
import { importedBy, namedBy } from "./readme-trial.ts";

const text = `# @arcp/x

\`\`\`sh
npm install @arcp/x zod # with schemas
npm test
\`\`\`

\`\`\`ts runnable
import assert from "node:assert/strict";
import { z } from "zod";
import { a } from "@arcp/x";
import { b } from "@arcp/x/store";
import { c } from "./agents.ts";
const d = await import("@arcp/y");
\`\`\`

\`\`\`ts
import { unseen } from "only-shown";
\`\`\`
`;

test("the packages that a page tells users to install, and those that its programs import, are read", () => {
  const page = new Page("x.md", text);
  expect(namedBy(page)).toEqual(["@arcp/x", "zod"]);
  expect(importedBy(page)).toEqual(["zod", "@arcp/x", "@arcp/y"]);
});
