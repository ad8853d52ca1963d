import { expect, test } from "vitest";
import { type Clock, nextTurn } from "./clock.ts";
import { Liveness } from "./liveness.ts";
import { ManualClock } from "./manual-clock.ts";

const INTERVAL = 1000;

/** One side, and what it did when. */
function watching(clock: Clock) {
  const did: string[] = [];
  const liveness = new Liveness({
    clock,
    interval: INTERVAL,
    ping: () => void did.push(`ping ${clock.monotonic()}`),
    lost: () => void did.push(`lost ${clock.monotonic()}`),
  });
  return { did, liveness };
}

function manual() {
  const clock = new ManualClock();
  return { clock, ...watching(clock) };
}

/** More turns than a loss takes. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}

test("R-6.4-1: a ping is sent after one full interval in which nothing was sent, and not before", () => {
  const { clock, did, liveness } = manual();
  for (let time = 0; time < 900; time += 300) {
    clock.advance(300);
    liveness.heard();
  }
  clock.advance(99);
  expect(did).toEqual([]);
  clock.advance(1);
  expect(did).toEqual(["ping 1000"]);
  liveness.heard();
  clock.advance(500);
  liveness.spoke();
  liveness.heard();
  clock.advance(999);
  expect(did).toEqual(["ping 1000"]);
  clock.advance(1);
  expect(did).toEqual(["ping 1000", "ping 2500"]);
});

test("R-6.4-1: a ping is sent after one full interval in which nothing was received, however much was sent", () => {
  const { clock, did, liveness } = manual();
  for (let time = 0; time < 1900; time += 100) {
    clock.advance(100);
    liveness.spoke();
  }
  expect(did).toEqual(["ping 1000"]);
  liveness.heard();
  for (let time = 1900; time < 2800; time += 100) {
    clock.advance(100);
    liveness.spoke();
  }
  expect(did).toEqual(["ping 1000"]);
  clock.advance(100);
  expect(did).toEqual(["ping 1000", "ping 2900"]);
});

test("R-6.4-1: a ping sent because nothing was sent does not replace the one due because nothing was received", () => {
  const { clock, did, liveness } = manual();
  clock.advance(400);
  liveness.heard();
  clock.advance(999);
  expect(did).toEqual(["ping 1000"]);
  clock.advance(1);
  expect(did).toEqual(["ping 1000", "ping 1400"]);
});

test("R-6.4-3: 1.9 silent intervals are not a loss, two are", async () => {
  const { clock, did } = manual();
  clock.advance(1900);
  await settled();
  expect(did).toEqual(["ping 1000"]);
  clock.advance(99);
  await settled();
  expect(did).toEqual(["ping 1000"]);
  clock.advance(1);
  await settled();
  expect(did).toEqual(["ping 1000", "lost 2000"]);
  expect(clock.pending).toBe(0);
});

test("R-6.4-3: any frame restarts the two intervals, even at the last moment", async () => {
  const { clock, did, liveness } = manual();
  clock.advance(1999);
  liveness.heard();
  clock.advance(1999);
  await settled();
  expect(did.filter((what) => what.startsWith("lost"))).toEqual([]);
  clock.advance(1);
  await settled();
  expect(did.at(-1)).toBe("lost 3999");
});

test("R-6.4-8: a frame that waits to be read when time is up averts the loss, and the next silence is noticed again", async () => {
  for (const turns of [0, 1]) {
    const { clock, did, liveness } = manual();
    clock.advance(2000);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    liveness.heard();
    await settled();
    expect(did).toEqual(["ping 1000"]);
    clock.advance(2000);
    await settled();
    expect(did).toEqual(["ping 1000", "ping 2000", "ping 3000", "lost 4000"]);
    expect(clock.pending).toBe(0);
  }
});

test("R-6.4-8: a timer that fires three intervals late sends a ping before it reports a loss", async () => {
  const ticking = new ManualClock();
  let heldUp = 0;
  const clock: Clock = {
    now: () => ticking.now(),
    monotonic: () => ticking.monotonic() + heldUp,
    after: (ms, fire) => ticking.after(ms, fire),
  };
  const { did } = watching(clock);
  heldUp = 2500;
  ticking.advance(1000);
  await settled();
  expect(did).toEqual(["ping 3500"]);
  ticking.advance(999);
  await settled();
  expect(did).toEqual(["ping 3500"]);
  ticking.advance(1);
  await settled();
  expect(did).toEqual(["ping 3500", "lost 4500"]);
});

test("R-6.4-8: jumps of the wall clock do not count as time", async () => {
  const { clock, did } = manual();
  clock.jump(86_400_000);
  clock.advance(999);
  clock.jump(-2 * 86_400_000);
  await settled();
  expect(did).toEqual([]);
  clock.advance(1);
  expect(did).toEqual(["ping 1000"]);
});

test("after stop it does nothing more: before its time, within its own ping, or during its last look", async () => {
  const early = manual();
  early.liveness.stop();
  early.clock.advance(5000);
  const late = manual();
  late.clock.advance(2000);
  late.liveness.stop();
  await settled();
  const clock = new ManualClock();
  const within: Liveness = new Liveness({
    clock,
    interval: INTERVAL,
    ping: () => within.stop(),
    lost: () => expect.unreachable(),
  });
  clock.advance(5000);
  await settled();
  expect([early.did, late.did]).toEqual([[], ["ping 1000"]]);
  expect([early.clock.pending, late.clock.pending, clock.pending]).toEqual([0, 0, 0]);
});

test("a frame arms no timer, and a busy hour takes one timer per interval", () => {
  const clock = new ManualClock();
  let armed = 0;
  const { after } = clock;
  clock.after = (ms, fire) => {
    armed += 1;
    return after.call(clock, ms, fire);
  };
  const { did, liveness } = watching(clock);
  for (let time = 0; time < 3_600_000; time += 100) {
    clock.advance(100);
    liveness.heard();
    liveness.spoke();
  }
  expect(did).toEqual([]);
  expect(armed).toBeLessThanOrEqual(3_600 + 400);
});
