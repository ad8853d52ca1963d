import { decode, type Envelope, newMessageId } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprint, KeyedSubmits } from "./idempotency.ts";

/** As it would arrive over the wire. */
function printOf(payload: string): string {
  const decoded = decode(
    `{"arcp":"1.1","id":"${newMessageId()}","type":"job.submit","payload":${payload}}`,
  );
  if (decoded.kind !== "ok") throw new Error(JSON.stringify(decoded));
  return fingerprint((decoded.message as Envelope<"job.submit">).payload);
}

test.each([
  [
    "order of keys",
    '{"agent":"a","input":{"x":1,"y":[{"p":1,"q":2}]}}',
    '{"input":{"y":[{"q":2,"p":1}],"x":1},"agent":"a"}',
  ],
  [
    "null for absent",
    '{"agent":"a"}',
    '{"agent":"a","input":null,"lease_request":null,"lease_constraints":null,"max_runtime_sec":null}',
  ],
  ["spelling of numbers", '{"agent":"a","input":[1.0,1e2,-0]}', '{"agent":"a","input":[1,100,0]}'],
  ["spelling of strings", '{"agent":"a","input":"\\u00e4"}', '{"agent":"a","input":"ä"}'],
  [
    "what does not count",
    '{"agent":"a","idempotency_key":"k"}',
    '{"agent":"a","idempotency_key":"other","extensions":{"x":1}}',
  ],
])("R-7.2-2: equal submits have equal fingerprints: %s", (_what, one, other) => {
  expect(printOf(one)).toBe(printOf(other));
});

test("R-7.2-2: any other difference makes another fingerprint", () => {
  const payloads = [
    '{"agent":"a"}',
    '{"agent":"b"}',
    '{"agent":"a@1"}',
    '{"agent":"a","input":{}}',
    '{"agent":"a","input":{"x":null}}',
    '{"agent":"a","input":[]}',
    '{"agent":"a","input":[null]}',
    '{"agent":"a","input":[[],[]]}',
    '{"agent":"a","input":"null"}',
    '{"agent":"a","input":1}',
    '{"agent":"a","input":"1"}',
    '{"agent":"a","input":1e400}',
    '{"agent":"a","input":-1e400}',
    '{"agent":"a","input":[1,2]}',
    '{"agent":"a","input":[2,1]}',
    '{"agent":"a","input":"\\ud800"}',
    '{"agent":"a","input":"\\ud801"}',
    '{"agent":"a","input":{"__proto__":{"x":1}}}',
    '{"agent":"a","lease_request":{}}',
    '{"agent":"a","lease_request":{"tool.call":["x"]}}',
    '{"agent":"a","lease_constraints":{"expires_at":"2026-11-02T20:00:00Z"}}',
    '{"agent":"a","max_runtime_sec":1}',
  ];
  expect(new Set(payloads.map(printOf)).size).toBe(payloads.length);
});

test("R-7.2-2: two inputs have the same fingerprint exactly if they are the same JSON value", () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    );
  };
  const print = (input: unknown) => fingerprint({ agent: "a", input });
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(print(reversed(a))).toBe(print(a));
      const [one, other] = [a, b].map((value) => JSON.parse(JSON.stringify(value)));
      let same = true;
      try {
        expect(one).toEqual(other);
      } catch {
        same = false;
      }
      // -0 is read and written as 0.
      if (!JSON.stringify([a, b]).includes("0")) expect(print(one) === print(other)).toBe(same);
    }),
  );
});

test("R-7.2-5: submits with the same principal and key take turns, whatever their outcome; others do not wait", async () => {
  const keyed = new KeyedSubmits();
  const told: string[] = [];
  const first = Promise.withResolvers<string>();
  const task = (name: string, work: Promise<string>) => async () => {
    told.push(`${name} begins`);
    return work;
  };
  const one = keyed.run("alice", "k", task("one", first.promise));
  const two = keyed.run("alice", "k", task("two", Promise.resolve("2")));
  await keyed.run("alic", "ek", task("other", Promise.resolve("")));
  await keyed.run("bob", "k", task("bob", Promise.resolve("")));
  expect(told).toEqual(["one begins", "other begins", "bob begins"]);
  first.reject(new Error("refused"));
  await expect(one).rejects.toThrow("refused");
  expect(await two).toBe("2");
  expect(await keyed.run("alice", "k", async () => "3")).toBe("3");
});
