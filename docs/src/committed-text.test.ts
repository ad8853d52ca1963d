import { describe, expect, test } from "vitest";
import { files, read } from "./repository.ts";

// Joined here, so that the search does not find this file.
const machinePaths = new RegExp(
  ["home", "root", "work", "Users"].map((name) => `/${name}/`).join("|"),
);
const registryHosts = new RegExp(
  [
    ["registry", "npmjs"],
    ["npm", "pkg"],
    ["npm", "mirror"],
    ["art", "ifactory"],
    ["j", "frog"],
    ["verd", "accio"],
  ]
    .map(([a = "", b = ""]) => `${a}[.]?${b}`)
    .join("|"),
  "i",
);
const toolingWords = new RegExp(
  ["A" + "I", "L" + "LM session", "chat" + "bot", "co-authored" + "-by", "generated" + " with"]
    .map((word) => `\\b${word}\\b`)
    .join("|"),
);

/** The lines of a file that match, with their numbers. */
function matches(text: string, pattern: RegExp): string[] {
  return text
    .split("\n")
    .flatMap((line, index) => (pattern.test(line) ? [`${index + 1}: ${line.trim()}`] : []));
}

const texts = files().filter((path) => !/\.(png|jpe?g|gif|ico|woff2?|db)$/.test(path));
const found = (paths: readonly string[], pattern: RegExp) =>
  paths.flatMap((path) => matches(read(path), pattern).map((line) => `${path}:${line}`));

describe("committed text", () => {
  // Tests of path patterns need paths to match; these belong to nobody.
  test("holds no path of a machine", () => {
    expect(
      found(
        texts.filter((path) => !path.endsWith(".test.ts")),
        machinePaths,
      ),
    ).toEqual([]);
  });

  test("holds no host of a registry", () => {
    expect(found(texts, registryHosts)).toEqual([]);
  });

  test("no page tells how the code was written", () => {
    expect(
      found(
        texts.filter((path) => path.endsWith(".md")),
        toolingWords,
      ),
    ).toEqual([]);
  });

  test("the patterns match what they should", () => {
    expect(matches("a\n cd /ho" + "me/me/x", machinePaths)).toEqual(["2: cd /ho" + "me/me/x"]);
    expect(matches("https://registry.npm" + "js.org/zod", registryHosts)).toHaveLength(1);
    expect(matches("made by A" + "I", toolingWords)).toHaveLength(1);
    expect(matches("FAIL, MAIN, aim", toolingWords)).toEqual([]);
  });
});
