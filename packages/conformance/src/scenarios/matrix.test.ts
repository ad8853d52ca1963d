import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { durableWays, ways } from "../../test/line.ts";
import { stores } from "../../test/shelf.ts";

/** What is not played over every transport on every store: what it is played on instead, and why. */
const apart: Readonly<Record<string, readonly [played: string, why: string]>> = {
  "client-reconnect.test.ts": ["stores", "a client that dials, through a network that breaks"],
  "plain-websocket.test.ts": ["stores", "a WebSocket that knows nothing of transports"],
  "credential.test.ts": ["durableWays", "a runtime whose store is none has no credentials"],
  "restart-child.test.ts": ["nothing", "stdio on sqlite alone: a process of its own is slow"],
  "restart-delegation.test.ts": ["durableWays", "what is in memory ends with its process"],
  "restart-job.test.ts": ["durableWays", "what is in memory ends with its process"],
  "restart-resume.test.ts": ["durableWays", "what is in memory ends with its process"],
  "restart-subscription.test.ts": ["durableWays", "what is in memory ends with its process"],
  "handshake.test.ts: a runtime without a way to authenticate is not made": [
    "nothing",
    "there is no runtime",
  ],
};

const sources = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".test.ts") && file !== "matrix.test.ts")
  .map((file) => [file, readFileSync(`${import.meta.dirname}/${file}`, "utf8")] as const);

/** Each suite of a file, or a test outside any suite, with the name of the list that it is played over. */
function suites(file: string, source: string): Array<[name: string, played: string]> {
  const heads = source.matchAll(
    /^(?:describe|test)[.\w]*\((?:(\w+)\)\()?\s*"(?:R-[\d.-]+: )?(.*?)"/gm,
  );
  return [...heads].map(([head, list = "nothing", title = ""]) => {
    const [, origin = list] = source.match(`const ${list} = (\\w+)\\.flatMap`) ?? [];
    return [head.startsWith("test") ? `${file}: ${title}` : file, origin];
  });
}

test("R-4-3: every scenario is played over each transport on each store, except those that say why not", () => {
  const played = sources.flatMap(([file, source]) => suites(file, source));
  const others = played.filter(([, list]) => list !== "ways");
  const expected = Object.entries(apart).map(([name, [list]]) => [name, list]);
  expect(Object.fromEntries(others)).toEqual(Object.fromEntries(expected));
  const silent = sources.filter(([file]) => !played.some(([name]) => name.startsWith(file)));
  expect(silent.map(([file]) => file)).toEqual([]);
});

test("no scenario makes a store of its own, and those that make a runtime of their own are listed apart", () => {
  const naming = (pattern: RegExp) =>
    sources.filter(([, source]) => pattern.test(source)).map(([file]) => file);
  expect(naming(/\b(memory|sqlite)Store\b/)).toEqual([]);
  expect(naming(/\bcreateRuntime\b/)).toEqual([
    "client-reconnect.test.ts",
    "handshake.test.ts",
    "plain-websocket.test.ts",
  ]);
});

test("R-4-3: the matrix is three transports by two stores", () => {
  expect(ways).toEqual([
    "memory on memory",
    "memory on sqlite",
    "ws on memory",
    "ws on sqlite",
    "stdio on memory",
    "stdio on sqlite",
  ]);
  expect(durableWays).toEqual(["memory on sqlite", "ws on sqlite", "stdio on sqlite"]);
  expect(stores).toEqual(["memory", "sqlite"]);
});
