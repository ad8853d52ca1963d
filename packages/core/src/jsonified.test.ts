import { expect, expectTypeOf, test } from "vitest";
import type { Jsonified } from "./jsonified.ts";

test("Jsonified is the type of a value after a JSON round trip", () => {
  expectTypeOf<Jsonified<{ a: string; b?: number; c: "x" | 1 | true | null }>>().toEqualTypeOf<{
    a: string;
    b?: number | undefined;
    c: "x" | 1 | true | null;
  }>();
  expectTypeOf<Jsonified<{ readonly at: Date; list: readonly (Date | null)[] }>>().toEqualTypeOf<{
    readonly at: string;
    list: readonly (string | null)[];
  }>();
  expectTypeOf<Jsonified<[Date, undefined, () => void]>>().toEqualTypeOf<[string, null, null]>();
  expectTypeOf<Jsonified<(string | undefined)[]>>().toEqualTypeOf<(string | null)[]>();
  expectTypeOf<Jsonified<{ run(): void; [Symbol.iterator]: 1; kept: 1 }>>().toEqualTypeOf<{
    kept: 1;
  }>();
  expectTypeOf<Jsonified<{ maybe: string | undefined; either: 1 | (() => void) }>>().toEqualTypeOf<{
    maybe: string | undefined;
    either: 1 | null;
  }>();
  expectTypeOf<Jsonified<{ toJSON(): { at: Date } }>>().toEqualTypeOf<{ at: string }>();
  expectTypeOf<Jsonified<URL>>().toBeString();
  expectTypeOf<Jsonified<void>>().toBeNull();
  expectTypeOf<Jsonified<undefined>>().toBeNull();
  expectTypeOf<Jsonified<bigint>>().toBeNever();
  expectTypeOf<Jsonified<never>>().toBeNever();
  expectTypeOf<Jsonified<unknown>>().toBeUnknown();
  expectTypeOf<Jsonified<any>>().toBeAny();
  expectTypeOf<Jsonified<{ [key: string]: Date }>>().toEqualTypeOf<{ [key: string]: string }>();
  interface Tree {
    at: Date;
    below: Tree[];
  }
  expectTypeOf<Jsonified<Tree>["below"][number]["at"]>().toBeString();
  type Text = string & { readonly brand: "text" };
  expectTypeOf<Jsonified<{ text: Text }>>().toEqualTypeOf<{ text: Text }>();
});

test("what JSON turns into an empty object has no properties left", () => {
  expectTypeOf<
    Jsonified<{ byName: Map<string, number>; names: Set<string>; of: RegExp }>
  >().toEqualTypeOf<{
    byName: Record<string, never>;
    names: Record<string, never>;
    of: Record<string, never>;
  }>();
  expectTypeOf<Jsonified<ReadonlySet<Date>>>().toEqualTypeOf<Record<string, never>>();
  expectTypeOf<Jsonified<{ size: number }>>().toEqualTypeOf<{ size: number }>();
  expect(JSON.parse(JSON.stringify([new Map([["a", 1]]), new Set([1]), /a/]))).toEqual([
    {},
    {},
    {},
  ]);
});
