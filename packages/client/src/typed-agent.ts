import type { Job } from "./job-handle.ts";
import type { SubmitOptions } from "./submission.ts";

/** An agent as its own definition types it: by `import type`, nothing of it is loaded. Every `Agent` of a runtime is one. */
export interface AgentType {
  readonly run: (ctx: never, input: never) => unknown;
}

/** What an agent takes; anything when its definition is not known. */
export type InputOf<A> = A extends { readonly run: (ctx: never, input: infer Input) => unknown }
  ? Input
  : unknown;

/** What an agent returns. It travels as JSON: what JSON does not carry does not arrive. */
export type OutputOf<A> = A extends { readonly run: (...given: never) => infer Output }
  ? Awaited<Output>
  : unknown;

/** An agent of the runtime, with the types of its definition. */
export interface TypedAgent<Input, Output> {
  /** `name` or `name@version`. */
  readonly reference: string;
  /** As `client.submit`. */
  submit(input: Input, options?: SubmitOptions): Promise<Job<Output>>;
}
