import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { VendorEvent } from "./event.ts";
import type { Jsonified } from "./jsonified.ts";

/** Schemas for the bodies of an agent's own events, by kind. */
export type EventSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** The type of an agent, taken from its definition: with `import type`, no code is loaded. Every `Agent` of a runtime fits. */
export interface AgentType {
  readonly name?: string | undefined;
  readonly input?: StandardSchemaV1 | undefined;
  readonly output?: StandardSchemaV1 | undefined;
  readonly events?: EventSchemas | undefined;
  /** Only its types matter. */
  readonly run: (ctx: never, input: never) => unknown;
}

/** What is submitted to an agent: what its schema accepts, which is not always what `run` receives. */
export type InputOf<A> = Known<Schema<A, "input">, RunInput<A>, "input">;

/** An agent's result as it arrives, after its way through JSON. */
export type OutputOf<A> = Jsonified<Known<Schema<A, "output">, RunOutput<A>, "output">>;

/** The events of an agent's own kinds as they arrive; any vendor event if its definition does not declare them. */
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
