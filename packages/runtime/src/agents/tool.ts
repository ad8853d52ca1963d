import { checkOptions, checkValues, isPlain, LocalError, type OptionRules, rule } from "@arcp/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Trace } from "../jobs/trace.ts";
import type { Spend } from "./spend.ts";

/** What a tool knows about the call, besides its arguments. */
export interface ToolCall {
  /** Aborts when the job has to stop. */
  readonly signal: AbortSignal;
  /** The job that calls it, and that job's principal. */
  readonly job: { readonly id: string; readonly principal: string; readonly traceId: string };
  /** To pass on to the services that the tool calls: `traceparent` and, if there is one, `tracestate`. */
  readonly trace: Trace;
  /** Reserves the job's money before it is spent. */
  readonly spend: Spend;
}

/** A tool that takes any JSON and returns any JSON. */
export type ToolFunction = (args: unknown, call: ToolCall) => unknown;

/**
 * A tool whose arguments and results are checked. `Input` is what `run` gets and `Output` what it returns; where schemas change
 * values, `Sent` is what an agent passes and `Result` what it gets.
 */
export interface ToolDefinition<Input, Output, Sent = Input, Result = Output> {
  /**
   * Any Standard Schema (zod, valibot, arktype, …). A call with arguments that do not match is refused with
   * `INVALID_REQUEST`.
   */
  readonly input?: StandardSchemaV1<Sent, Input> | undefined;
  /** What `run` must return; any other value fails the call with `INTERNAL_ERROR`. */
  readonly output?: StandardSchemaV1<Output, Result> | undefined;
  /** Does the work. What it throws fails the call. */
  readonly run: (args: Input, call: ToolCall) => Output | Promise<Output>;
}

/** A tool of the runtime: a function, or what `defineTool` makes. */
// biome-ignore lint/suspicious/noExplicitAny: a tool's input type is proven by its own schema, at the call
export type Tool = ToolFunction | ToolDefinition<any, any, any, any>;

/** What an agent passes to a tool: what its schema accepts, which may differ from what `run` gets. */
export type ArgumentsOf<T extends Tool> =
  T extends ToolDefinition<infer _Input, infer _Output, infer Sent, infer _Result> ? Sent : unknown;

/** What an agent gets from a tool: the very value, because it is not serialised. */
export type ToolResultOf<T extends Tool> =
  T extends ToolDefinition<infer _Input, infer _Output, infer _Sent, infer Result>
    ? Result
    : T extends (args: never, call: ToolCall) => infer Result
      ? Awaited<Result>
      : unknown;

const RULES: OptionRules<ToolDefinition<unknown, unknown>> = {
  input: rule.schema,
  output: rule.schema,
  run: rule.required(rule.method),
};

/**
 * A tool with schemas: its function gets only arguments that match `input`, and its caller only results that match `output`.
 * @throws LocalError `MISUSE` without `run`, for an invalid schema, and for an unknown option
 */
export function defineTool<Input = unknown, Output = unknown, Sent = Input, Result = Output>(
  definition: ToolDefinition<Input, Output, Sent, Result>,
): ToolDefinition<Input, Output, Sent, Result> {
  checkOptions("defineTool", definition, RULES);
  // Only plain objects are copied: a copy of a class instance would lack its methods.
  return isPlain(definition) ? Object.freeze({ ...definition }) : definition;
}

/** @throws LocalError `MISUSE` for an invalid tool */
export function readTools(
  tools: Readonly<Record<string, Tool>>,
): ReadonlyMap<string, ToolDefinition<unknown, unknown>> {
  return new Map(
    Object.entries(tools).map(([name, tool]) => {
      const definition = typeof tool === "function" ? { run: tool } : tool;
      if (typeof definition?.run !== "function") {
        throw new LocalError("MISUSE", `the tool ${name} must be a function or made by defineTool`);
      }
      checkValues(`the tool ${name}`, definition, RULES);
      return [name, definition];
    }),
  );
}
