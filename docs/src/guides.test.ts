import { capabilities, errorCodes, eventBodies, LocalError, localErrorCodes } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { interfaceKeys } from "./interface-keys.ts";
import { page, pages } from "./page.ts";
import { programs } from "./program.ts";
import { files, read } from "./repository.ts";
import { table } from "./table.ts";

const guides = pages.filter(({ path }) => path.startsWith("docs/guides/"));
const limits = interfaceKeys("packages/runtime/src/limits.ts", "Limits");
const sources = files()
  .filter((path) => /^packages\/[\w-]+\/src\/.*\.ts$/.test(path))
  .map(read)
  .join("\n");

describe("docs/README.md", () => {
  const targets = page("docs/README.md").links.map(({ target }) => target);

  test("lists every guide under its questions, once", () => {
    const { prose } = page("docs/README.md");
    for (const { path } of guides) {
      const rows = prose.filter((line) => line.startsWith("| [") && line.includes(path.slice(5)));
      expect(rows, path).toHaveLength(1);
    }
    expect(targets).toContain("comparison.md");
  });

  test("is linked from the first page", () => {
    expect(page("README.md").links.map(({ target }) => target)).toContain("docs/README.md");
  });
});

describe.each(guides)("$path", ({ path, prose }) => {
  test("has a program that runs, or shows one that does", () => {
    const shown = pages.find((one) => one.path === path)?.blocks ?? [];
    const runs = programs.some((program) => program.page === path);
    expect(runs || shown.some(({ info }) => info.includes("source="))).toBe(true);
  });

  test("names only limits that exist", () => {
    const named = [...prose.join("\n").matchAll(/`limits\.(\w+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !limits.includes(name))).toEqual([]);
  });

  test("quotes only messages that the code contains", () => {
    const quoted = [...prose.join("\n").matchAll(/`([a-z][a-z,;' ]+)`/g)]
      .map(([, text = ""]) => text)
      .filter((text) => text.split(" ").length > 3);
    expect(quoted.filter((text) => !sources.includes(text))).toEqual([]);
  });
});

test("errors.md lists every code of the wire, and whether it may be retried", () => {
  const said = table(page("docs/guides/errors.md"), "ArcpError").map(([code, , again]) => [
    code,
    again,
  ]);
  const known = Object.entries(errorCodes).map(([code, { retryable, fixed }]) => {
    return [code, fixed ? (retryable ? "always" : "never") : retryable ? "yes" : "no"];
  });
  expect(said.sort()).toEqual(known.sort());
});

test("errors.md lists every local code, and whether it may be retried", () => {
  const said = table(page("docs/guides/errors.md"), "LocalError").map(
    ([code, , again]) => `${code} ${again?.startsWith("yes")}`,
  );
  const known = localErrorCodes.map((code) => `${code} ${new LocalError(code, "").retryable}`);
  expect(said.sort()).toEqual(known.sort());
});

test("limits.md states the defaults of the source", () => {
  const source = read("packages/runtime/src/limits.ts").replaceAll("_", "");
  for (const [name = "", value = ""] of table(page("docs/guides/limits.md"), "limit")) {
    expect(limits).toContain(name);
    if (name === "finishedJobsPerPrincipal") {
      const [, durable, inMemory] = /durable: (\d+), inMemory: (\d+)/.exec(source) ?? [];
      expect(value).toBe(`${inMemory}, ${durable} durable`);
    } else if (name !== "retentionSec") expect(source).toContain(`  ${name}: ${value},`);
  }
});

test("tracing.md lists every name of a span or a metric", () => {
  const { text } = page("docs/guides/tracing.md");
  const names = files()
    .filter((path) => /^packages\/otel\/src\/.*(?<!\.test)\.ts$/.test(path))
    .flatMap((path) => [...read(path).matchAll(/"((?:arcp|error|file|gen_ai|http|url)\.[\w.]+)"/g)])
    .map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test("events.md lists every kind of event", () => {
  const kinds = table(page("docs/guides/events.md"), "kind").flatMap(([kind = ""]) =>
    kind.split(", "),
  );
  expect(kinds.filter((kind) => kind in eventBodies).sort()).toEqual(
    Object.keys(eventBodies).sort(),
  );
});

test("leases.md lists every capability", () => {
  const named = table(page("docs/guides/leases.md"), "capability").flatMap(([name = ""]) =>
    name.split(", "),
  );
  expect(capabilities.filter((name) => !named.includes(name))).toEqual([]);
});
