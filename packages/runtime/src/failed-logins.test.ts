import { ArcpError, ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { FailedLogins } from "./failed-logins.ts";

const wrong = async () => undefined;
const right = async () => "alice";
const barred = expect.any(ArcpError);
const patient = new AbortController().signal;

test("R-6.1-6: a source is barred after this many failures, for the rest of its minute", async () => {
  const clock = new ManualClock();
  const logins = new FailedLogins(clock, 2);
  expect(await logins.check("a", wrong, patient)).toBeUndefined();
  clock.advance(30_000);
  expect(await logins.check("a", right, patient)).toBe("alice");
  expect(await logins.check("a", wrong, patient)).toBeUndefined();
  expect(await logins.check("a", right, patient)).toEqual(barred);
  expect(await logins.check("b", right, patient)).toBe("alice");
  clock.advance(29_999);
  expect(await logins.check("a", right, patient)).toEqual(barred);
  clock.advance(1);
  expect(await logins.check("a", right, patient)).toBe("alice");
});

test("R-6.1-6: concurrent checks get no extra guesses, and nobody is refused at once because others are slow", async () => {
  const logins = new FailedLogins(new ManualClock(), 2);
  const checks: PromiseWithResolvers<string | undefined>[] = [];
  const check = () => {
    const verdict = Promise.withResolvers<string | undefined>();
    checks.push(verdict);
    return verdict.promise;
  };
  const outcomes = Array.from({ length: 6 }, () => logins.check("a", check, patient));
  await settled(1);
  expect(checks).toHaveLength(2);
  checks[0]?.resolve("alice");
  checks[1]?.resolve("alice");
  expect(await Promise.all(outcomes.slice(0, 2))).toEqual(["alice", "alice"]);
  await settled(1);
  expect(checks).toHaveLength(4);
  checks[2]?.reject(new Error("the verifier is ill"));
  await expect(outcomes[2]).rejects.toThrow("ill");
  await settled(1);
  expect(checks).toHaveLength(5);
  checks[3]?.resolve(undefined);
  expect(await outcomes[3]).toBeUndefined();
  await settled(1);
  // The one still being checked may be the last guess: the other waits for it.
  expect(checks).toHaveLength(5);
  checks[4]?.resolve(undefined);
  expect(await outcomes[4]).toBeUndefined();
  expect(await outcomes[5]).toEqual(barred);
  await settled(1);
  expect(checks).toHaveLength(5);
});

test("R-6.1-6: a caller that no longer waits loses no guess, and its token is not checked", async () => {
  const logins = new FailedLogins(new ManualClock(), 1);
  const first = Promise.withResolvers<string | undefined>();
  let checks = 0;
  const check = () => {
    checks += 1;
    return checks === 1 ? first.promise : Promise.resolve("bob");
  };
  const leaving = new AbortController();
  const outcomes = [patient, leaving.signal, patient].map((over) => logins.check("a", check, over));
  await settled(1);
  leaving.abort(new Error("hung up"));
  await expect(outcomes[1]).rejects.toThrow("hung up");
  first.resolve("alice");
  expect(await outcomes[0]).toBe("alice");
  expect(await outcomes[2]).toBe("bob");
  expect(checks).toBe(2);
});

test("R-6.1-6: in a rush, whoever gets in does so before a client gives up, and the rest are told to try again", async () => {
  const clock = new ManualClock();
  const logins = new FailedLogins(clock, 2);
  const slow = async () => {
    await new Promise<void>((resolve) => clock.after(900, resolve));
    return "alice";
  };
  const start = clock.monotonic();
  const login = async () => {
    const outcome = await logins.check("a", slow, patient);
    return { outcome, after: clock.monotonic() - start };
  };
  const rush = Array.from({ length: 12 }, login);
  for (let step = 0; step < 50; step++) {
    await settled();
    clock.advance(100);
  }
  const outcomes = await Promise.all(rush);
  const admitted = outcomes.filter(({ outcome }) => outcome === "alice");
  expect(admitted.map(({ after }) => after)).toEqual([
    900, 900, 1800, 1800, 2700, 2700, 3600, 3600,
  ]);
  const busy = {
    code: "INTERNAL_ERROR",
    retryable: true,
    details: { reason: "failed_logins_per_minute" },
  };
  for (const { outcome, after } of outcomes.slice(admitted.length)) {
    expect(outcome).toMatchObject(busy);
    expect(after).toBe(3000);
  }
  expect(clock.pending).toBe(0);
});

test("R-6.1-6: many addresses make it forget the oldest, so that its memory is bounded", async () => {
  const clock = new ManualClock();
  const logins = new FailedLogins(clock, 1);
  await logins.check("first", wrong, patient);
  await logins.check("second", wrong, patient);
  for (let i = 0; i < 9_997; i++) await logins.check(`10.0.0.${i}`, wrong, patient);
  // A success takes nobody's place.
  for (let i = 0; i < 100; i++) await logins.check(`friend ${i}`, right, patient);
  expect(await logins.check("first", right, patient)).toEqual(barred);
  for (const source of ["one", "two"]) await logins.check(source, wrong, patient);
  expect(await logins.check("first", right, patient)).toBe("alice");
  expect(await logins.check("second", right, patient)).toEqual(barred);
});

test("R-6.1-6: without a known source nobody is barred", async () => {
  const logins = new FailedLogins(new ManualClock(), 1);
  for (let i = 0; i < 5; i++) expect(await logins.check(undefined, wrong, patient)).toBeUndefined();
  expect(await logins.check(undefined, right, patient)).toBe("alice");
});
