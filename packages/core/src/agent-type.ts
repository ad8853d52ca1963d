import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { VendorEvent } from "./event.ts";
import type { Jsonified } from "./jsonified.ts";

/** What the bodies of an agent's own events have to be, by kind. */
export type EventSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** An agent as its definition types it: by `import type`, nothing of it is loaded. Every `Agent` of a runtime is one. */
export interface AgentType {
  readonly name?: string | undefined;
  readonly input?: StandardSchemaV1 | undefined;
  readonly output?: StandardSchemaV1 | undefined;
  readonly events?: EventSchemas | undefined;
  /** Of which only the types count. */
  readonly run: (ctx: never, input: never) => unknown;
}

/** What is submitted to an agent: what its schema takes, which is not always what `run` gets of it. */
export type InputOf<A> = Known<Schema<A, "input">, RunInput<A>, "input">;

/** What arrives of an agent's result. */
export type OutputOf<A> = Jsonified<Known<Schema<A, "output">, RunOutput<A>, "output">>;

/** What arrives of the events of an agent's own kinds; any vendor's event where its definition does not say. */
export type VendorEventOf<A> = [Declared<A>] extends [never]
  ? VendorEvent
  : string extends keyof Declared<A>
    ? VendorEvent
    : {
        [K in keyof Declared<A> & string]: {
          kind: K;
          body: Jsonified<StandardSchemaV1.InferOutput<Declared<A>[K]>>;
        };
      }[keyof Declared<A> & string];

/** How an agent is referred to: `name` or `name@version`. */
export type ReferenceOf<A> = A extends { readonly name: infer Name extends string }
  ? Name | `${Name}@${string}`
  : string;

type Schema<A, Key extends "input" | "output"> = A extends { readonly [K in Key]?: infer S }
  ? Extract<S, StandardSchemaV1>
  : never;

type Declared<A> = A extends { readonly events?: infer Events }
  ? Extract<Events, EventSchemas>
  : never;

type Known<S, Otherwise, Side extends "input" | "output"> = [S] extends [never]
  ? Otherwise
  : S extends StandardSchemaV1
    ? NonNullable<S["~standard"]["types"]>[Side]
    : Otherwise;

type RunInput<A> = A extends { readonly run: (ctx: never, input: infer Input) => unknown }
  ? Input
  : unknown;

type RunOutput<A> = A extends { readonly run: (...given: never) => infer Output }
  ? Awaited<Output>
  : unknown;
