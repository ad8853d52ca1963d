import { expect, test } from "vitest";
import { type HostRules, hostCheck } from "./host-check.ts";

function admits(host: string | undefined, origin?: string, rules: HostRules = {}, loopback = true) {
  const headers = { ...(host !== undefined && { host }), ...(origin !== undefined && { origin }) };
  return hostCheck(rules)(headers, loopback);
}

test.each([
  "localhost",
  "LOCALHOST:7777",
  "localhost.",
  "127.0.0.1:7777",
  "127.8.9.1",
  "[::1]:7777",
  "[::ffff:127.0.0.1]",
])("R-4.1-9: on loopback, Host %s passes, without Origin and from its own pages", (host) => {
  expect(admits(host)).toBe(true);
  expect(admits(host, "http://localhost:3000")).toBe(true);
});

test.each([
  undefined,
  "",
  "evil.example",
  "evil.example:7777",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "evil.example#localhost",
  "localhost@evil.example",
  "evil.example@localhost",
  "localhost/evil.example",
  "10.0.0.1",
  "0.0.0.0",
  "[::]",
  "not a host",
])("R-4.1-9: on loopback, Host %s is refused", (host) => {
  expect(admits(host)).toBe(false);
});

test.each(["https://evil.example", "null", "", "http://localhost.evil.example", "file://"])(
  "R-4.1-9: on loopback, a page from %s is refused, whatever Host it sends",
  (origin) => {
    expect(admits("localhost", origin)).toBe(false);
  },
);

test("R-4.1-9: the allow-lists replace the default", () => {
  const rules = { allowedHosts: ["Agents.example"], allowedOrigins: ["https://App.example/"] };
  expect(admits("agents.example:8080", undefined, rules)).toBe(true);
  expect(admits("agents.example", "https://app.example", rules, false)).toBe(true);
  expect(admits("localhost", undefined, rules)).toBe(false);
  expect(admits("other.example", undefined, rules, false)).toBe(false);
  expect(admits("not a host", undefined, rules, false)).toBe(false);
  expect(admits("agents.example", "http://app.example", rules)).toBe(false);
  expect(admits("agents.example", "http://localhost", rules)).toBe(false);
});

test("off loopback, without lists, any host and any page pass", () => {
  expect(admits("agents.example", "https://app.example", {}, false)).toBe(true);
});

test.each(["https://agents.example", "*", "*.agents.example", ".agents.example", "a,b", ""])(
  "an allow-list refuses what is not a host name: %j",
  (host) => {
    expect(() => hostCheck({ allowedHosts: [host] })).toThrow("without a scheme or wildcard");
  },
);

test("R-4.1-9: an allow-list may spell a host or an origin differently from the request", () => {
  const allowedHosts = ["::1", "bücher.example", "agents.example.", "my_host:8080"];
  for (const host of ["[::1]:7777", "xn--bcher-kva.example", "agents.example.:80", "my_host"]) {
    expect(admits(host, undefined, { allowedHosts })).toBe(true);
  }
  const allowedOrigins = ["https://app.example:443", "https://bücher.example", "moz-extension://a"];
  for (const origin of [
    "https://app.example",
    "https://xn--bcher-kva.example",
    "moz-extension://a",
  ]) {
    expect(admits("a.example", origin, { allowedOrigins }, false)).toBe(true);
  }
  expect(admits("a.example", "https://app.example:8443", { allowedOrigins }, false)).toBe(false);
});
