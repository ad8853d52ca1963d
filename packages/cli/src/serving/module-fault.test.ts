import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { moduleFault } from "./module-fault.ts";

const cwd = resolve("/srv/agents");
const here = pathToFileURL(cwd).href;

function fault(...frames: string[]): string {
  const error = new Error("no");
  error.stack = ["Error: no", ...frames.map((frame) => `    at ${frame}`)].join("\n");
  return moduleFault(error, join(cwd, "a.ts"), cwd);
}

test("a value that a library refuses is reported where it was passed", () => {
  const library = `check (${here}/node_modules/@arcp/core/dist/options.js:19:11)`;
  expect(fault(library, `${here}/a.ts:2:18`)).toBe("a.ts:2: no");
  expect(fault(library)).toBe(`${join("node_modules/@arcp/core/dist/options.js")}:19: no`);
  expect(
    fault(library, `${pathToFileURL("/srv/node_modules/x/y.js")}:1:1`, `${join(cwd, "b.ts")}:3:1`),
  ).toBe("b.ts:3: no");
});

test("an error without a frame is reported by its module", () => {
  expect(fault()).toBe("a.ts: no");
});

test("a module that is missing is named as seen from the current directory", () => {
  const [gone, file] = [join(cwd, "gone.ts"), join(cwd, "a.ts")];
  const error = new Error(`Cannot find module '${gone}' imported from ${file}`);
  error.stack = "";
  Object.assign(error, { code: "ERR_MODULE_NOT_FOUND", url: pathToFileURL(gone).href });
  expect(moduleFault(error, file, cwd)).toBe(
    "a.ts: Cannot find module 'gone.ts' imported from a.ts",
  );
});
