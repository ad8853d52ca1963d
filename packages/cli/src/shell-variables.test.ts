import { expect, test } from "vitest";
import { shellVariables } from "./shell-variables.ts";

const variables = { ARCP_URL: "ws://127.0.0.1:7777/arcp", ARCP_TOKEN: "t-1" };

test.each([
  [{}, "export ARCP_URL=ws://127.0.0.1:7777/arcp ARCP_TOKEN=t-1"],
  [{ OS: "Windows_NT" }, '$env:ARCP_URL = "ws://127.0.0.1:7777/arcp"; $env:ARCP_TOKEN = "t-1"'],
  // Git Bash
  [
    { OS: "Windows_NT", SHELL: "/usr/bin/bash" },
    "export ARCP_URL=ws://127.0.0.1:7777/arcp ARCP_TOKEN=t-1",
  ],
])("variables are set in the words of the shell: %o", (env, line) => {
  expect(shellVariables(variables, env)).toBe(line);
});
