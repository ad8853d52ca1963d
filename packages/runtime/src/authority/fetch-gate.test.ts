import type { Lease } from "@arcp/core";
import { fetch } from "undici";
import { afterEach, expect, test } from "vitest";
import { site } from "../../test/site.ts";
import { Budget } from "./budget.ts";
import { FetchGate, type ResolveName } from "./fetch-gate.ts";
import { Guard } from "./guard.ts";
import { compileLease } from "./lease.ts";

const gates: FetchGate[] = [];
afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
});

/** A gate over names that resolve to the given answers, one after the other, the last one repeated. */
function gateTo(patterns: readonly string[], names: Record<string, string[][]> = {}) {
  const outcome = compileLease({ "net.fetch": patterns } as Lease);
  if (!outcome.ok) throw new Error(outcome.problem);
  const { lease } = outcome;
  const job = { active: true };
  const guard = new Guard({ lease, budget: new Budget(lease.budget), isActive: () => job.active });
  const asked: string[] = [];
  const resolve: ResolveName = async (host) => {
    asked.push(host);
    const answers = names[host] ?? [];
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    if (addresses.length === 0) throw Object.assign(new Error("none"), { code: "ENOTFOUND" });
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  const gate = new FetchGate({ guard, lease }, resolve);
  gates.push(gate);
  const get = async (url: string): Promise<string> => {
    const response = await fetch(url, { dispatcher: gate, redirect: "manual" });
    return await response.text();
  };
  return { get, job, asked };
}

const refused = (message: RegExp) => ({
  cause: { code: "PERMISSION_DENIED", message: expect.stringMatching(message) },
});

test("R-9.2-7 (N2): a name is looked up once, and the connection goes to the checked address", async () => {
  await using there = await site();
  const { port } = there;
  const { get, asked } = gateTo([`http://app.test:${port}/**`], {
    "app.test": [["127.0.0.1"], ["169.254.169.254"]],
  });
  expect(await get(`http://app.test:${port}/x`)).toBe("at /x");
  expect(asked).toEqual(["app.test"]);
  expect(there.received[0]?.headers.host).toBe(`app.test:${port}`);
});

test.each([
  ["127.0.0.1"],
  ["10.1.2.3"],
  ["::1"],
  ["fd12::1"],
  ["::ffff:127.0.0.1"],
  ["64:ff9b::7f00:1"],
  ["93.184.215.14", "192.168.1.1"],
  ["192.168.1.1", "93.184.215.14"],
])(
  "R-9.2-7 (N2): a name that resolves to %s %s is refused unless the lease names it",
  async (...addresses) => {
    await using there = await site();
    const { port } = there;
    const { get } = gateTo([`http://*.test:${port}/**`, `http://other.test:${port}/**`], {
      "app.test": [addresses],
    });
    await expect(get(`http://app.test:${port}/`)).rejects.toMatchObject(
      refused(/^net.fetch does not cover app.test, behind which is a private address/),
    );
    expect(there.received).toEqual([]);
  },
);

test.each([
  ["169.254.169.254"],
  ["0.0.0.0"],
  ["fe80::1"],
  ["224.0.0.1"],
  ["127.0.0.1", "100.100.100.200"],
])(
  "R-9.2-7 (N2): a name that resolves to %s %s is refused, whatever the lease names",
  async (...addresses) => {
    await using there = await site();
    const { port } = there;
    const { get } = gateTo([`http://app.test:${port}/**`], { "app.test": [addresses] });
    await expect(get(`http://app.test:${port}/`)).rejects.toMatchObject(
      refused(/link-local or reserved/),
    );
    expect(there.received).toEqual([]);
  },
);

test.each([
  "127.0.0.1",
  "0.0.0.0",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[64:ff9b::7f00:1]",
  "0x7f.1",
  "2130706433",
  "127.0.0.1.",
  "169.254.169.254",
])("R-9.2-7: the address %s in a URL needs a pattern that names it", async (host) => {
  await using there = await site();
  const { port } = there;
  const url = `http://${host}:${port}/`;
  for (const wide of ["**", "http://**", `http://*:${port}/**`]) {
    const { get } = gateTo([wide]);
    await expect(get(url)).rejects.toMatchObject({ cause: { code: "PERMISSION_DENIED" } });
  }
  expect(there.received).toEqual([]);
});

test("R-9.2-7: an address that the lease names is reachable, at the named port and path", async () => {
  await using there = await site();
  const { origin, port } = there;
  const { get, asked } = gateTo([`${origin}/api/**`, "http://**"]);
  expect(await get(`${origin}/api/x`)).toBe("at /api/x");
  expect(await get(`http://0x7f.1:${port}/api/y`)).toBe("at /api/y");
  for (const url of [
    `${origin}/admin`,
    "http://127.0.0.1/api/x",
    `http://127.0.0.2:${port}/api/x`,
  ]) {
    await expect(get(url)).rejects.toMatchObject(refused(/./));
  }
  expect(asked).toEqual([]);
});

test("R-9.2-7 (N3): a connection made for a host named in the lease does not serve a wider pattern", async () => {
  await using there = await site();
  const { port } = there;
  const { get } = gateTo([`http://app.test:${port}/api/**`, `http://*.test:${port}/**`], {
    "app.test": [["127.0.0.1"]],
  });
  expect(await get(`http://app.test:${port}/api/x`)).toBe("at /api/x");
  await expect(get(`http://app.test:${port}/admin`)).rejects.toMatchObject(refused(/private/));
  expect(await get(`http://app.test:${port}/api/y`)).toBe("at /api/y");
});

test("R-9.2-8 (N1): what is sent is the canonical form that was checked", async () => {
  await using there = await site();
  const { origin } = there;
  const { get } = gateTo([`${origin}/**`]);
  await get(`${origin}/a/../%61%2e%7E/%c3%a9?q=%61#f`);
  expect(there.received[0]?.url).toBe("/a.~/%C3%A9?q=%61");
});

test("R-9.3-1: the gate is closed to a job that may not act", async () => {
  await using there = await site();
  const { get, job } = gateTo([`${there.origin}/**`]);
  await get(`${there.origin}/`);
  job.active = false;
  await expect(get(`${there.origin}/`)).rejects.toMatchObject({ cause: { code: "CANCELLED" } });
});

test("a name that is not found fails as fetch does", async () => {
  const { get } = gateTo(["http://**"]);
  await expect(get("http://none.test/")).rejects.toMatchObject({
    name: "TypeError",
    cause: { code: "ENOTFOUND" },
  });
});
