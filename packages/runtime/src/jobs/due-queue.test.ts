import fc from "fast-check";
import { expect, test } from "vitest";
import { DueQueue } from "./due-queue.ts";

test("what is due comes out once, the earliest first, however it went in", () => {
  const step = fc.oneof(fc.record({ add: fc.nat(30) }), fc.record({ take: fc.nat(30) }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = new DueQueue<number>();
      let waiting: number[] = [];
      for (const step of steps) {
        if ("add" in step) {
          queue.add(step.add, step.add);
          waiting.push(step.add);
        } else {
          const due = waiting.filter((value) => value <= step.take).sort((a, b) => a - b);
          waiting = waiting.filter((value) => value > step.take);
          expect(queue.take(step.take)).toEqual(due);
        }
        expect(queue.next).toBe(waiting.length === 0 ? undefined : Math.min(...waiting));
      }
    }),
  );
});

test("what has left before it was due does not come out, and all others do", () => {
  const steps = fc.array(fc.record({ due: fc.nat(30), leaves: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (steps) => {
      const queue = new DueQueue<number>();
      const entries = steps.map(({ due, leaves }) => ({ leaves, entry: queue.add(due, due) }));
      for (const { leaves, entry } of entries) if (leaves) queue.delete(entry);
      const left = entries.flatMap(({ leaves, entry }) => (leaves ? [] : entry.due));
      expect(queue.take(30)).toEqual(left.sort((a, b) => a - b));
      expect(queue.next).toBeUndefined();
    }),
  );
});
