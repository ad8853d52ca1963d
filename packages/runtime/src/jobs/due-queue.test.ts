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
