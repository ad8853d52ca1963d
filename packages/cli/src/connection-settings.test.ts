import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { scratch } from "../test/played.ts";
import { type ConnectionFlags, connectionSettings, DEFAULT_URL } from "./connection-settings.ts";
import { surroundings } from "./surroundings.ts";

const home = await scratch();
const file = join(home.path, "arcp", "profiles.json");
const [local, work, other] = ["ws://127.0.0.1:1/a", "wss://work.test/a", "wss://other.test/a"];

beforeAll(() => mkdir(join(home.path, "arcp")));
beforeEach(async () => {
  await profiles({ default: { url: local, token: "mine" }, work: { url: work, token: "ours" } });
});
afterAll(() => home[Symbol.asyncDispose]());

const profiles = (written: unknown) =>
  writeFile(file, typeof written === "string" ? written : JSON.stringify(written));

function settings(flags: ConnectionFlags = {}, env: Record<string, string> = {}) {
  return connectionSettings(flags, surroundings({ env: { XDG_CONFIG_HOME: home.path, ...env } }));
}

test("without any configuration it is the default url, and no token", () => {
  expect(settings({}, { XDG_CONFIG_HOME: join(home.path, "none") })).toEqual({
    url: DEFAULT_URL,
    token: undefined,
  });
});

test("flags beat the environment, which beats the profile", () => {
  expect(settings()).toEqual({ url: local, token: "mine" });
  expect(settings({}, { ARCP_PROFILE: "work" })).toEqual({ url: work, token: "ours" });
  const env = { ARCP_URL: other, ARCP_TOKEN: "env", ARCP_PROFILE: "work" };
  expect(settings({}, env)).toEqual({ url: other, token: "env" });
  expect(settings({ url: local, token: "flag" }, env)).toEqual({ url: local, token: "flag" });
  expect(settings({ token: "flag" }, env)).toEqual({ url: other, token: "flag" });
});

test("a profile named by a flag counts as a flag", () => {
  const env = { ARCP_URL: other, ARCP_TOKEN: "env" };
  expect(settings({ profile: "work" }, env)).toEqual({ url: work, token: "ours" });
  expect(settings({ profile: "work", token: "flag" }, env)).toEqual({ url: work, token: "flag" });
});

test("the token of a profile is for its own url", () => {
  expect(settings({ url: other })).toEqual({ url: other, token: undefined });
  expect(settings({ url: other, profile: "work" })).toEqual({ url: other, token: undefined });
  expect(settings({}, { ARCP_URL: other })).toEqual({ url: other, token: undefined });
  expect(settings({ url: local })).toEqual({ url: local, token: "mine" });
});

test("an invalid address and an invalid profile are reported", async () => {
  expect(() => settings({ url: "localhost:80" })).toThrow(
    `localhost:80 is not the address of a runtime: use one like ${DEFAULT_URL}`,
  );
  expect(() => settings({ profile: "home" })).toThrow(
    `there is no profile home in ${file}; it has default, work`,
  );
  await profiles('{"default":');
  expect(() => settings()).toThrow(`${file} has to be JSON such as {"default":{"url":`);
  await profiles({ default: { URL: local } });
  expect(() => settings()).toThrow(
    `the profile default in ${file} has to be {"url":"…","token":"…"} and nothing else`,
  );
});
