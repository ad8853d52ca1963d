import { expect, test } from "vitest";
import { isLoopback } from "./loopback.ts";

test.each([
  "localhost",
  "LOCALHOST",
  "localhost.",
  "127.0.0.1",
  "127.255.255.254",
  "::1",
  "[::1]",
  "::ffff:127.0.0.1",
  "[::ffff:7f00:1]",
])("R-4.1-5, R-4.1-9: %s is on this machine", (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  "",
  "127",
  "127.0.0",
  "127.0.0.1.example",
  "127.0.0.1..",
  "notlocalhost",
  "evil-localhost",
  "localhost.example",
  "128.0.0.1",
  "10.127.0.0.1",
  "::",
  "::2",
  "::ffff:10.0.0.1",
  "::ffff:0a00:1",
  "::ffff:8000:1",
  "fe80::1",
])("R-4.1-5, R-4.1-9: %j may be on another machine", (host) => {
  expect(isLoopback(host)).toBe(false);
});
