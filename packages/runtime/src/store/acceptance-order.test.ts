import type { JobId } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AcceptanceOrder, comparePlaces, type Place } from "./acceptance-order.ts";

const places: fc.Arbitrary<Place> = fc.record({
  acceptedAt: fc.nat({ max: 5 }),
  id: fc.nat({ max: 9 }).map((n) => `job_${n}` as JobId),
});
const steps = fc.array(fc.tuple(fc.constantFrom("add", "remove"), places), { maxLength: 60 });

test("it holds what was added and not removed, in order, and finds what follows a position", () => {
  fc.assert(
    fc.property(steps, places, (changes, after) => {
      const order = new AcceptanceOrder();
      let held: Place[] = [];
      for (const [change, place] of changes) {
        const others = held.filter((other) => comparePlaces(other, place) !== 0);
        if (change === "add" && others.length === held.length) order.add(place);
        if (change === "remove") order.remove(place);
        held = (change === "add" ? [...others, place] : others).sort(comparePlaces);
        expect([...order.from(undefined)]).toEqual(held);
        expect(order.isEmpty).toBe(held.length === 0);
      }
      const behind = held.filter((place) => comparePlaces(place, after) > 0);
      expect([...order.from(after)]).toEqual(behind);
    }),
  );
});
