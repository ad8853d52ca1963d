import { expect, test } from "vitest";
import { newJobId, newMessageId, newSecret, newSessionId, newTraceId } from "./ids.ts";
import { readTraceId } from "./trace.ts";

const MANY = 100_000;
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const RANDOM_PART = 10;

function make(id: () => string, count = MANY): string[] {
  return Array.from({ length: count }, id);
}

test("R-5.1-3: 100,000 message ids are unique, ascend, and carry their prefix", () => {
  const ids = make(() => newMessageId());
  expect(new Set(ids).size).toBe(MANY);
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids.slice(0, 100)) {
    expect(id.slice(0, 4)).toBe("msg_");
    expect(id.slice(4)).toMatch(ULID);
  }
});

test("R-5.1-3: a client uses another prefix, and ids stay unique and ascending across prefixes", () => {
  const both = Array.from({ length: 1000 }, () => [newMessageId("req_"), newMessageId()]).flat();
  expect(both.map((id) => id.slice(0, 4)).slice(0, 2)).toEqual(["req_", "msg_"]);
  const bare = both.map((id) => id.slice(4));
  expect(new Set(bare).size).toBe(2000);
  expect([...bare].sort()).toEqual(bare);
});

test.each([
  ["job_", newJobId],
  ["sess_", newSessionId],
])(
  "section 7.1: 100,000 ids with prefix %s are unique, and no two are consecutive",
  (prefix, id) => {
    const ids = make(id);
    expect(new Set(ids).size).toBe(MANY);
    expect(ids.filter((text) => !text.startsWith(prefix))).toEqual([]);
    expect(ids.filter((text) => !ULID.test(text.slice(prefix.length)))).toEqual([]);
    const random = ids.map((text) => text.slice(prefix.length + RANDOM_PART));
    // A monotonic factory would keep all but the last characters for a whole millisecond.
    let shared = 0;
    for (let i = 1; i < MANY; i++)
      if (random[i]?.slice(0, 8) === random[i - 1]?.slice(0, 8)) shared++;
    expect(shared).toBeLessThan(3);
  },
);

test("section 7.1: each of the 80 random bits of a job id is set about half of the time", () => {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const ones = new Array<number>(80).fill(0);
  const count = 20_000;
  for (let n = 0; n < count; n++) {
    const random = newJobId().slice("job_".length + RANDOM_PART);
    if (random.length !== 16) expect(random).toHaveLength(16);
    for (let i = 0; i < 16; i++) {
      const value = alphabet.indexOf(random[i]!);
      for (let bit = 0; bit < 5; bit++) if (value & (1 << bit)) ones[i * 5 + bit]! += 1;
    }
  }
  // Ten standard deviations: no false alarms, but a stuck or biased bit fails.
  for (const [bit, n] of ones.entries()) {
    expect(Math.abs(n / count - 0.5), `bit ${bit}`).toBeLessThan(0.036);
  }
});

test("R-6.2-10: a secret has 256 bits in hexadecimal and never repeats", () => {
  const secrets = make(newSecret, 10_000);
  expect(new Set(secrets).size).toBe(10_000);
  for (const secret of secrets.slice(0, 100)) expect(secret).toMatch(/^[0-9a-f]{64}$/);
});

test("R-11-1: a trace id is 32 lower-case hexadecimal digits that parse back", () => {
  for (const id of make(newTraceId, 1000)) {
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(readTraceId(id)).toBe(id);
  }
});

test("R-11-1: a trace id is never all zero", () => {
  const real = crypto.getRandomValues;
  let calls = 0;
  crypto.getRandomValues = ((bytes: Uint8Array<ArrayBuffer>) =>
    calls++ === 0 ? bytes.fill(0) : real.call(crypto, bytes)) as typeof real;
  try {
    while (calls < 2) expect(newTraceId()).not.toMatch(/^0+$/);
  } finally {
    crypto.getRandomValues = real;
  }
});
