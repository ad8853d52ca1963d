import { ManualClock, newJobId } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Lag } from "./lag.ts";

const lagOf = (threshold: number) => new Lag({ threshold, clock: new ManualClock() });

test("R-6.5-4: an ack that is lower than before, or above the last issued number, has no effect", () => {
  const lag = lagOf(4);
  lag.acknowledge(6, 10);
  for (const seq of [6, 5, 0, 11, Number.MAX_SAFE_INTEGER]) {
    expect(lag.acknowledge(seq, 10)).toBe(false);
    expect(lag.acked).toBe(6);
  }
  lag.acknowledge(10, 10);
  expect(lag.acked).toBe(10);
});

test("R-6.5-8: a breach is announced once, and again only after the lag has fallen to half the threshold", () => {
  const steps = fc.array(
    fc.record({ kind: fc.constantFrom("issue", "ack"), count: fc.nat({ max: 9 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (plan, threshold) => {
      const lag = lagOf(threshold);
      let [issued, acked, armed] = [0, 0, true];
      for (const { kind, count } of plan) {
        if (kind === "ack") {
          acked = Math.min(issued, acked + count);
          lag.acknowledge(acked, issued);
          if (issued - acked <= threshold / 2) armed = true;
          continue;
        }
        for (let i = 0; i < count; i++) {
          issued += 1;
          const due = armed && issued - acked > threshold;
          expect(lag.isCrossedBy(issued)).toBe(due);
          if (!due) continue;
          lag.warned(issued);
          armed = issued - acked <= threshold / 2;
        }
      }
    }),
  );
});

test("R-6.5-8: acks that arrive while the notice is in flight count", () => {
  const lag = lagOf(10);
  expect(lag.isCrossedBy(11)).toBe(true);
  lag.acknowledge(10, 10);
  lag.warned(12);
  expect(lag.isCrossedBy(20)).toBe(false);
  expect(lag.isCrossedBy(21)).toBe(true);
});

test("R-6.5-4: the store gets a few of many acks, and the one that ends a breach", () => {
  const lag = lagOf(1000);
  const heard: number[] = [];
  for (let seq = 1; seq <= 1000; seq++) if (lag.acknowledge(seq, 1000)) heard.push(seq);
  expect(heard).toEqual([250, 500, 750, 1000]);
  lag.warned(2100);
  expect(lag.acknowledge(1599, 2100)).toBe(true);
  expect(lag.acknowledge(1600, 2100)).toBe(true);
  expect(lag.acknowledge(1601, 2100)).toBe(false);
});

test("R-6.5-8: after a restart, a breach that may have been announced is not announced again", () => {
  const restored = (acked: number, issued: number, warned: boolean) => {
    const lag = lagOf(10);
    lag.restore(acked, issued, warned);
    return lag;
  };
  // Announced, and not yet over.
  expect(restored(0, 12, true).isCrossedBy(13)).toBe(false);
  expect(restored(7, 12, true).isCrossedBy(18)).toBe(true);
  // A crash may have swallowed the acks: above the threshold nothing can be concluded.
  expect(restored(0, 12, false).isCrossedBy(13)).toBe(false);
  expect(restored(0, 10, false).isCrossedBy(11)).toBe(true);
});

test("R-7.6-11: a notice is an event of the job without a job_seq", () => {
  const job = newJobId();
  const text = lagOf(300).notice(job, "f".repeat(32));
  const envelope = JSON.parse(`{${text}`);
  expect(envelope).toMatchObject({
    type: "job.event",
    job_id: job,
    trace_id: "f".repeat(32),
    payload: { kind: "status", body: { phase: "back_pressure" } },
  });
  expect(Object.keys(envelope)).not.toContain("job_seq");
});
