import { expect, test } from "vitest";
import { moduleFault } from "./module-fault.ts";

const cwd = "/srv/agents";

function fault(...frames: string[]): string {
  const error = new Error("no");
  error.stack = ["Error: no", ...frames.map((frame) => `    at ${frame}`)].join("\n");
  return moduleFault(error, `${cwd}/a.ts`, cwd);
}

test("a value that a library refuses is reported where it was passed", () => {
  const library = `check (file://${cwd}/node_modules/@arcp/core/dist/options.js:19:11)`;
  expect(fault(library, `file://${cwd}/a.ts:2:18`)).toBe("a.ts:2: no");
  expect(fault(library)).toBe("node_modules/@arcp/core/dist/options.js:19: no");
  expect(fault(library, "file:///srv/node_modules/x/y.js:1:1", `${cwd}/b.ts:3:1`)).toBe(
    "b.ts:3: no",
  );
});

test("an error without a frame is reported by its module", () => {
  expect(fault()).toBe("a.ts: no");
});
