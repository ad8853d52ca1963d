import {
  type AgentType,
  checked,
  type InputOf,
  type OutputOf,
  type StandardSchemaV1,
  type VendorEventOf,
} from "@arcp/core";
import { handled } from "./handled.ts";
import type { Job, ReopenedJob, ReopenOptions } from "./job-handle.ts";
import { misuse, notJson } from "./misuse.ts";
import type { SubmitOptions } from "./submission.ts";

/** The arguments of a submit: the input may be omitted if null is a valid one. */
export type Submission<Input> = null extends Input
  ? [input?: Input, options?: SubmitOptions]
  : [input: Input, options?: SubmitOptions];

/** An agent of the runtime, with the types of its definition. */
export interface TypedAgent<A extends AgentType> {
  /** `name` or `name@version`. */
  readonly reference: string;
  /**
   * Like `client.submit`. If a schema was given for the input, it is checked before anything is sent: an input that does not fit
   * rejects with a LocalError `MISUSE` that says where.
   */
  submit(...given: Submission<InputOf<A>>): Promise<Job<OutputOf<A>, VendorEventOf<A>>>;
  /** Like `client.job`, for a job of this agent. */
  job(id: string, options?: ReopenOptions): Promise<ReopenedJob<OutputOf<A>, VendorEventOf<A>>>;
}

/** What a typed agent needs from its client. */
export interface AgentSource<A extends AgentType> extends Pick<TypedAgent<A>, "job"> {
  submit(input: unknown, options?: SubmitOptions): ReturnType<TypedAgent<A>["submit"]>;
}

/** The type of an agent of which only the schema of its input is known. */
export interface Taking<Schema extends StandardSchemaV1> {
  readonly input: Schema;
  readonly run: (ctx: never, input: never) => unknown;
}

/** @param schema checks the input; undefined to leave that to the runtime */
export function typedAgent<A extends AgentType>(
  reference: string,
  schema: StandardSchemaV1 | undefined,
  client: AgentSource<A>,
): TypedAgent<A> {
  return {
    reference,
    submit: (...[input, options]) =>
      schema === undefined
        ? client.submit(input, options)
        : handled(checkedInput(schema, input).then((sent) => client.submit(sent, options))),
    job: (id, options) => client.job(id, options),
  };
}

/**
 * Checks an input as the runtime will see it: as JSON.
 *
 * @returns the value that was checked, which must be the one to send: the caller may have modified its input since
 * @throws LocalError `MISUSE` if it does not fit, or is not JSON
 */
async function checkedInput(schema: StandardSchemaV1, input: unknown): Promise<unknown> {
  const sent = asJson(input);
  // A schema may modify its input in place.
  const outcome = await checked(schema, structuredClone(sent));
  if (outcome.ok) return sent;
  throw misuse(`${["input", ...outcome.place].join(".")}: ${outcome.problem}`);
}

function asJson(input: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(input ?? null));
  } catch (cause) {
    throw notJson("the input", cause);
  }
}
