/**
 * The type of a value after its way through JSON. A `Date` arrives as its text. A function or undefined does not arrive, or
 * arrives as null in an array. A `Map` or a `Set` arrives as an empty object. What a type cannot express is not covered: NaN,
 * for example, arrives as null.
 */
export type Jsonified<T> = [T] extends [never] ? never : 0 extends 1 & T ? T : Value<T>;

// biome-ignore lint/suspicious/noConfusingVoidType: it is what a function without a result returns
type Nothing = undefined | void | symbol | Callable;
type Callable = (...given: never) => unknown;

/** Objects without own properties that JSON would write; the properties that their types show are inherited. */
type Hollow = ReadonlyMap<never, unknown> | ReadonlySet<unknown> | RegExp;

type Value<T> = T extends string | number | boolean | null
  ? T
  : T extends { toJSON(...given: never): infer Told }
    ? Jsonified<Told>
    : T extends Nothing
      ? null
      : T extends bigint
        ? never
        : T extends Hollow
          ? Record<string, never>
          : T extends readonly unknown[]
            ? { [K in keyof T]: Jsonified<T[K]> }
            : T extends object
              ? { [K in keyof T as Arriving<T, K>]: Property<T[K]> }
              : T;

/** A key whose value may arrive. */
type Arriving<T, K extends keyof T> = K extends symbol
  ? never
  : [T[K]] extends [never]
    ? K
    : [T[K]] extends [symbol | Callable]
      ? never
      : K;

type Property<T> = T extends undefined ? undefined : Jsonified<T>;
