import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { listen } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { arcp } from "../../test/played.ts";

async function served(names: readonly [name: string, version?: string][]) {
  const runtime = createRuntime({
    agents: names.map(([name, version]) =>
      defineAgent({ name, ...(version !== undefined && { version }), run: () => name }),
    ),
    auth: tokenTable({ t: "alice" }),
    policy: { maySubmit: (_principal, agent) => agent !== "secret" },
  });
  if (names.length > 2) runtime.agents.setDefault("audit", "2.0.0");
  const server = await listen({ port: 0 }, runtime.serve);
  return {
    at: ["--url", server.url, "--token", "t"],
    async [Symbol.asyncDispose]() {
      await runtime.close();
      await server.close();
    },
  };
}

test("agents are listed with their versions and defaults, as a table or as JSON", async () => {
  await using runtime = await served([
    ["audit", "1.0.0"],
    ["audit", "2.0.0"],
    ["greet"],
    ["secret"],
    ["one", "1.0.0"],
  ]);
  expect(await arcp(["agents", ...runtime.at])).toEqual({
    code: 0,
    err: "",
    out: `AGENT  DEFAULT  VERSIONS
audit  2.0.0    1.0.0, 2.0.0
greet  -        -
one    -        1.0.0
`,
  });
  const narrow = await arcp(["agents", ...runtime.at], { columns: 24, env: { NO_COLOR: "1" } });
  expect(narrow.out).toContain("audit  2.0.0    1.0.0, …\n");
  const json = await arcp(["agents", "--json", ...runtime.at]);
  expect(
    json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { name: "audit", default: "2.0.0", versions: ["1.0.0", "2.0.0"] },
    { name: "greet", versions: [] },
    { name: "one", versions: ["1.0.0"] },
  ]);
});

test("a runtime that offers no agents is reported", async () => {
  await using runtime = await served([["secret"]]);
  const { code, out, err } = await arcp(["agents", ...runtime.at]);
  expect([code, out, err]).toEqual([0, "", "arcp: there are no agents you may submit to\n"]);
  expect(await arcp(["agents", "--json", ...runtime.at])).toEqual({ code: 0, out: "", err: "" });
});
