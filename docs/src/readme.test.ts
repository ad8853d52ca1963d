import { describe, expect, test } from "vitest";
import { interfaceKeys } from "./interface-keys.ts";
import { page } from "./page.ts";
import { directories, files, read } from "./repository.ts";

const packages = directories("packages");

describe("the repository's README.md", () => {
  const { text } = page("README.md");

  test("names the three commands, and they exist", () => {
    const { packageManager, scripts } = JSON.parse(read("package.json"));
    for (const [script, args] of [
      ["demo", ""],
      ["test", ""],
      ["starter", " ../my-agents"],
    ] as const) {
      expect(text).toContain(`npx --yes ${packageManager} ${script}${args}\n`);
      expect(scripts).toHaveProperty(script);
    }
  });

  test("links every package and the pages to read next", () => {
    for (const name of packages)
      expect(text).toContain(`[\`@arcp/${name}\`](packages/${name}/README.md)`);
    for (const next of ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/adr/README.md"]) {
      expect(text).toContain(`](${next})`);
    }
  });
});

describe.each(packages)("packages/%s/README.md", (name) => {
  test("has the package's name as its title", () => {
    const manifest = JSON.parse(read(`packages/${name}/package.json`));
    expect(page(`packages/${name}/README.md`).title).toBe(manifest.name);
  });
});

describe("its tables of options list every option, and nothing else", () => {
  const runtime = "packages/runtime/src/runtime-options.ts";
  const limits = "packages/runtime/src/limits.ts";
  const agents = declaring("Agent<");
  const context = declaring("AgentContext<");
  const client = "packages/client/src";
  const ws = "packages/transport-ws/src";
  const stdio = "packages/transport-stdio/src";
  const attach = [
    ...interfaceKeys(`${ws}/attach.ts`, "AttachOptions"),
    ...interfaceKeys(`${ws}/host-check.ts`, "HostRules"),
    ...interfaceKeys(`${ws}/connection-options.ts`, "ConnectionOptions"),
  ];
  const dial = [
    ...interfaceKeys(`${ws}/dial.ts`, "DialOptions"),
    ...interfaceKeys(`${ws}/connection-options.ts`, "ConnectionOptions"),
  ];
  test.each([
    ["runtime", "`createRuntime`", interfaceKeys(runtime, "RuntimeOptions")],
    ["runtime", "`policy`", interfaceKeys("packages/runtime/src/policy.ts", "Policy")],
    ["otel", "`otel`", interfaceKeys("packages/otel/src/otel.ts", "OtelOptions")],
    ["client", "`connect`", interfaceKeys(`${client}/connect.ts`, "ConnectOptions")],
    ["client", "`submit`", interfaceKeys(`${client}/submission.ts`, "SubmitOptions")],
    ["client", "`subscribe`", interfaceKeys(`${client}/client.ts`, "SubscribeOptions")],
    ["client", "`watch`", interfaceKeys(`${client}/job-watch.ts`, "WatchOptions")],
    ["client", "`retry`", interfaceKeys(`${client}/retry.ts`, "RetryOptions")],
    ["transport-ws", "`listen`", [...interfaceKeys(`${ws}/listen.ts`, "ListenOptions"), ...attach]],
    ["transport-ws", "`dial`", dial],
    ["transport-ws", "`dial`", interfaceKeys(`${ws}/platform-dial.ts`, "DialOptions")],
    [
      "transport-stdio",
      "`spawnRuntime`",
      interfaceKeys(`${stdio}/spawn-runtime.ts`, "SpawnOptions"),
    ],
    [
      "transport-stdio",
      "`serveStdio`",
      interfaceKeys(`${stdio}/stream-transport.ts`, "StreamOptions"),
    ],
    [
      "conformance",
      "`runConformance`",
      interfaceKeys("packages/conformance/src/kit/conformance-run.ts", "RunOptions"),
    ],
    [
      "conformance",
      "`TestSettings`",
      interfaceKeys("packages/conformance/src/test-agents/settings.ts", "TestSettings"),
    ],
    [
      "store-sqlite",
      "`sqliteStore`",
      interfaceKeys("packages/store-sqlite/src/sqlite-store.ts", "SqliteStoreOptions"),
    ],
    [
      "store-sqlite",
      "`logLimits`",
      interfaceKeys("packages/store-sqlite/src/log-limits.ts", "LogLimits"),
    ],
  ])("%s: %s", (name, heading, keys) => {
    expect(keys.length).toBeGreaterThan(1);
    expect(rows(`packages/${name}/README.md`, heading).sort()).toEqual([...keys].sort());
  });

  const memory = "packages/runtime/src/store/memory-store.ts";
  const shutdown = "packages/runtime/src/shutdown.ts";
  test.each([
    ["agents", "`defineAgent`", interfaceKeys(agents, "Agent")],
    ["limits", "`limits`", interfaceKeys(limits, "Limits")],
    ["operating", "`close`", interfaceKeys(shutdown, "CloseOptions")],
    ["stores", "`memoryStore`", interfaceKeys(memory, "MemoryStoreOptions")],
  ])("the guide %s: %s", (name, heading, keys) => {
    expect(keys.length).toBeGreaterThan(1);
    expect(rows(`docs/guides/${name}.md`, heading).sort()).toEqual([...keys].sort());
  });

  test("the guide agents: the table of the context lists each of its members", () => {
    const { text } = page("docs/guides/agents.md");
    const table = text.slice(text.indexOf("| of `ctx`"), text.indexOf("## Await"));
    const members = interfaceKeys(context, "AgentContext");
    expect(members.length).toBeGreaterThan(20);
    expect(members.filter((name) => !new RegExp(`\`${name}\\b`).test(table))).toEqual([]);
  });

  test("runtime: the table of what createRuntime returns lists each of its members", () => {
    const { text } = page("packages/runtime/README.md");
    const table = text.slice(text.indexOf("| of the runtime"), text.indexOf("Of the `peer`"));
    const members = interfaceKeys("packages/runtime/src/runtime.ts", "Runtime");
    expect(members.filter((name) => !new RegExp(`\`${name}\\b`).test(table))).toEqual([]);
  });

  test("conformance: the table of steps lists each of them, with its fields", () => {
    const source = read("packages/conformance/src/test-agents/step.ts");
    const steps = [...source.matchAll(/do: z\.literal\("([\w-]+)"\)(.*?)\}\)/gs)];
    const { prose } = page("packages/conformance/README.md");
    for (const [, name = "", body = ""] of steps) {
      const row = prose.find((line) => line.startsWith(`| \`${name}\` `)) ?? "";
      expect(row, `${name} is not in the table`).not.toBe("");
      const fields = [...body.matchAll(/(\w+): (?:z\.|json|patterns)/g)].map(([, key]) => key);
      for (const field of fields) expect(row).toMatch(new RegExp(`\`${field}\\??\``));
    }
    expect(steps.length).toBeGreaterThan(20);
  });

  test("the guide limits: the defaults in the table match the source", () => {
    const { text } = page("docs/guides/limits.md");
    const [, list = ""] = /^const DEFAULTS = \{\n(.*?)^\}/ms.exec(read(limits)) ?? [];
    const defaults = [...list.replaceAll("_", "").matchAll(/(\w+): (\d+),/g)];
    const keys = defaults.map(([, key]) => key);
    // How many finished jobs are kept by default depends on the store.
    const kept = ["retentionSec", "finishedJobsPerPrincipal"];
    expect([...keys, ...kept].sort()).toEqual(interfaceKeys(limits, "Limits").sort());
    for (const [, key, value] of defaults) {
      expect(text).toMatch(new RegExp(`\\| \`${key}\` +\\| ${value} +\\|`));
    }
  });
});

describe("ADRs", () => {
  test("are listed by title, each once, in order, and have context, decision and consequences", () => {
    const index = page("docs/adr/README.md");
    const listed = index.links
      .map(({ target }) => target)
      .filter((target) => /^\d{4}-/.test(target));
    const present = files()
      .map((path) => /^docs\/adr\/(\d{4}-.*\.md)$/.exec(path)?.[1])
      .filter((name) => name !== undefined);
    expect(listed).toEqual(present);
    for (const [number, file] of present.entries()) {
      const { title, prose } = page(`docs/adr/${file}`);
      expect(title).toMatch(new RegExp(`^${number + 1}\\. `));
      const headings = prose.filter((line) => line.startsWith("## "));
      expect(headings.slice(0, 3)).toEqual(["## Context", "## Decision", "## Consequences"]);
      expect([[], ["## Rejected alternatives"]]).toContainEqual(headings.slice(3));
      const [, inOrder, words] = /^(\d+)\. (.*)/.exec(title) ?? [];
      expect(index.text).toContain(`\n${inOrder}. [${words}](${file})\n`);
    }
  });
});

describe("ARCHITECTURE.md", () => {
  const { prose } = page("ARCHITECTURE.md");

  test.each(["J1", "J2", "J3", "J4", "P1", "P2", "P3", "P4", "P5"])(
    "%s is cited in the files that uphold it",
    (invariant) => {
      const row = prose.find((line) => line.startsWith(`| ${invariant} `)) ?? "";
      const held = [...row.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file = ""]) => file);
      expect(held).not.toEqual([]);
      for (const file of held)
        expect(read(`packages/runtime/src/${file}`)).toMatch(new RegExp(`\\b${invariant}\\b`));
    },
  );
});

/** The first column of the table whose corner is `heading`, or that follows a line that begins with its call. */
function rows(path: string, heading: string): string[] {
  const { prose } = page(path);
  const start = prose.findIndex(
    (line, index) =>
      line.startsWith(`${heading.slice(0, -1)}(`) ||
      (line.startsWith(`| ${heading} `) && prose[index + 1]?.startsWith("| -")),
  );
  expect(start, `${path} has no table for ${heading}`).toBeGreaterThan(-1);
  const table = prose.slice(start);
  const body = table.slice(table.findIndex((line) => line.startsWith("| -")) + 1);
  const end = body.findIndex((line) => !line.startsWith("|"));
  return body
    .slice(0, end === -1 ? undefined : end)
    .flatMap((line) =>
      [...(line.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map(([, key = ""]) => key),
    );
}

/** The file of the runtime that exports this interface. */
function declaring(name: string): string {
  const found = files()
    .filter((path) => /^packages\/runtime\/src\/.*\.ts$/.test(path))
    .find((path) => read(path).includes(`\nexport interface ${name}`));
  if (found === undefined) throw new Error(`no file exports ${name}`);
  return found;
}
