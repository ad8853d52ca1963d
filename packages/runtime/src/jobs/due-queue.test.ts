import fc from "fast-check";
import { expect, test } from "vitest";
import { DueQueue, type Timed } from "./due-queue.ts";

const timed = (due: number): Timed => ({ due, place: -1 });

test("what is due comes out once, earliest first, in whatever order it was added", () => {
  const step = fc.oneof(fc.record({ add: fc.nat(30) }), fc.record({ take: fc.nat(30) }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = new DueQueue<Timed>();
      let waiting: number[] = [];
      for (const step of steps) {
        if ("add" in step) {
          queue.add(step.add, timed(step.add));
          waiting.push(step.add);
        } else {
          const due = waiting.filter((value) => value <= step.take).sort((a, b) => a - b);
          waiting = waiting.filter((value) => value > step.take);
          expect(queue.take(step.take).map(({ due }) => due)).toEqual(due);
        }
        expect(queue.next).toBe(waiting.length === 0 ? undefined : Math.min(...waiting));
      }
    }),
  );
});

test("what is removed before it is due does not come out, what is postponed comes out later, and everything else does", () => {
  const fate = fc.oneof(fc.constant("stays"), fc.constant("leaves"), fc.nat(30));
  const steps = fc.array(fc.record({ due: fc.nat(30), fate }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (steps) => {
      const queue = new DueQueue<Timed>();
      const values = steps.map(({ due }) => timed(due));
      for (const value of values) queue.add(value.due, value);
      for (const [index, value] of values.entries()) {
        const fate = steps[index]?.fate;
        if (fate === "leaves") queue.delete(value);
        else if (typeof fate === "number") queue.add(fate, value);
      }
      const left = steps.flatMap(({ due, fate }) =>
        fate === "leaves" ? [] : typeof fate === "number" ? fate : due,
      );
      expect(queue.take(30).map(({ due }) => due)).toEqual(left.sort((a, b) => a - b));
      expect(queue.next).toBeUndefined();
      expect(values.every(({ place }) => place === -1)).toBe(true);
      for (const value of values) queue.delete(value);
      expect(queue.next).toBeUndefined();
    }),
  );
});
