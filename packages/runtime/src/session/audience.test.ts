import { ManualClock, newJobId, newSessionId } from "@arcp/core";
import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { Audience } from "./audience.ts";
import { Deliveries } from "./deliveries.ts";
import { Stream } from "./stream.ts";

const WINDOW = 600_000;

function streaming() {
  const clock = new ManualClock();
  const { sessions: store } = memoryStore();
  const viewer = (): Stream =>
    new Stream({
      session: newSessionId(),
      features: new Set(),
      epoch: 1,
      host: { store, failed: () => {} },
      deliveries: new Deliveries(clock, WINDOW),
    });
  return { clock, viewer };
}

test("R-14-3: a follower of a job is remembered until the job or the viewer is gone", () => {
  const audience = new Audience();
  const { viewer } = streaming();
  const [x, y] = [viewer(), viewer()];
  const [a, b] = [newJobId(), newJobId()];
  for (const one of [x, y, x]) audience.add(a, one);
  audience.add(b, x);
  expect(audience.of(a)).toEqual([x, y]);
  audience.remove(x);
  expect([audience.of(a), audience.of(b)]).toEqual([[y], []]);
  audience.removed(a);
  audience.removed(a);
  expect(audience.of(a)).toEqual([]);
  audience.remove(y);
  audience.add(a, y);
  expect(audience.of(a)).toEqual([y]);
});

test("R-14-3: a job is read while someone follows it, and held while what was sent of it may be requested again", () => {
  const audience = new Audience();
  const { clock, viewer } = streaming();
  const one = viewer();
  const job = newJobId();
  audience.add(job, viewer());
  audience.add(job, one);
  expect([audience.reads(job), audience.holds(job)]).toEqual([false, false]);
  one.own(job, false);
  expect([audience.reads(job), audience.holds(job)]).toEqual([true, true]);
  one.attachments.detach(job);
  one.deliveries?.begin(job);
  one.deliveries?.end(job);
  expect([audience.reads(job), audience.holds(job)]).toEqual([false, true]);
  clock.advance(WINDOW);
  expect([audience.reads(job), audience.holds(job)]).toEqual([false, false]);
});
