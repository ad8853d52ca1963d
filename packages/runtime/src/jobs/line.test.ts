import fc from "fast-check";
import { expect, test } from "vitest";
import { Line, type Standing } from "./line.ts";

class Person implements Standing<Person> {
  before: Person | undefined;
  behind: Person | undefined;
  isHere = false;
}

test("an entry can be removed from anywhere, and all others stay in the order of their arrival", () => {
  const steps = fc.array(fc.nat(9), { maxLength: 80 });
  fc.assert(
    fc.property(steps, (steps) => {
      const line = new Line<Person>();
      const people = Array.from({ length: 10 }, () => new Person());
      let standing: Person[] = [];
      for (const step of steps) {
        const person = people[step] as Person;
        if (person.isHere) {
          line.delete(person);
          standing = standing.filter((other) => other !== person);
        } else {
          line.add(person);
          standing.push(person);
        }
        person.isHere = !person.isHere;
        expect(line.first).toBe(standing[0]);
        expect(line.size).toBe(standing.length);
      }
      const found: Person[] = [];
      for (let next = line.first; next !== undefined; next = next.behind) found.push(next);
      expect(found).toEqual(standing);
    }),
  );
});
