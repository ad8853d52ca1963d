import { z } from "zod";

/** Any JSON, passed on as it came: a schema of its objects would lose keys such as `__proto__` (R-5.2-6). */
const json = z.custom<z.core.util.JSONType>(() => true).optional();
const patterns = z.record(z.string(), z.array(z.string()));

/** What every step may have. */
const common = {
  /**
   * Keeps the outcome of the step in the job's result, under this name: `{ value }`, or `{ refused }` with the error's code,
   * message, details and whether it is retryable. A refusal of a step without a name ends the job with that error.
   */
  as: z.string().optional(),
};

const plain = z.discriminatedUnion("do", [
  // Output.
  z.strictObject({
    do: z.literal("log"),
    level: z.string(),
    message: z.string(),
    attributes: z.record(z.string(), z.json()).optional(),
    ...common,
  }),
  z.strictObject({ do: z.literal("thought"), text: z.string(), ...common }),
  z.strictObject({
    do: z.literal("status"),
    phase: z.string(),
    message: z.string().optional(),
    ...common,
  }),
  z.strictObject({
    do: z.literal("progress"),
    current: z.number(),
    total: z.number().optional(),
    units: z.string().optional(),
    message: z.string().optional(),
    ...common,
  }),
  /** A number, or the name of one that JSON lacks. */
  z.strictObject({
    do: z.literal("metric"),
    name: z.string(),
    value: z.union([z.number(), z.enum(["NaN", "Infinity", "abc"])]),
    unit: z.string().optional(),
    dimensions: z.record(z.string(), z.string()).optional(),
    ...common,
  }),
  z.strictObject({
    do: z.literal("artifact"),
    uri: z.string(),
    content_type: z.string(),
    byte_size: z.number().optional(),
    sha256: z.string().optional(),
    ...common,
  }),
  /** Any event, by the runtime's most general call for agents. */
  z.strictObject({ do: z.literal("emit"), kind: z.string(), body: json, ...common }),
  /** A piece of a streamed result: a text, or this many bytes of arbitrary content. */
  z.strictObject({ do: z.literal("stream"), text: z.string(), ...common }),
  z.strictObject({ do: z.literal("stream-bytes"), bytes: z.int(), ...common }),

  // Operations, as far as its lease allows them.
  /** `conformance.echo` returns its arguments, `conformance.void` nothing, `conformance.fail` throws. */
  z.strictObject({ do: z.literal("tool"), name: z.string(), args: json, ...common }),
  /** Asks whether the lease allows an operation, without performing it. */
  z.strictObject({
    do: z.literal("authorize"),
    capability: z.string(),
    target: z.string(),
    ...common,
  }),
  /** Calls a model, or has its upstream answer that its own budget is used up. */
  z.strictObject({
    do: z.literal("model"),
    id: z.string(),
    exhausted: z.boolean().optional(),
    ...common,
  }),
  z.strictObject({
    do: z.literal("delegate"),
    agent: z.string(),
    input: json,
    lease: patterns.optional(),
    expires_at: z.iso.datetime().optional(),
    max_runtime_sec: z.int().optional(),
    /** The `delegate_id`. */
    id: z.string().optional(),
    /** Waits for the end of the child: then the value has its `result` too. */
    outcome: z.boolean().optional(),
    ...common,
  }),
  /** Reserves an amount, `EUR:0.05`, under the name that `settle` and `release` use. */
  z.strictObject({ do: z.literal("reserve"), amount: z.string(), name: z.string(), ...common }),
  z.strictObject({ do: z.literal("settle"), name: z.string(), amount: z.string(), ...common }),
  z.strictObject({ do: z.literal("release"), name: z.string(), ...common }),
  /** The value is `{ remaining, available }`, each by currency in exact decimal text. */
  z.strictObject({ do: z.literal("budget"), ...common }),

  // Credentials. Only if the runtime has the fake upstream (see `TestUpstream`), which a lease asks for one by the vendor namespace
  // `x-vendor.conformance.credential`.
  /** Presents a value to the upstream, by default that of the job's own credential. The value is whether that is alive. */
  z.strictObject({ do: z.literal("present"), value: z.string().optional(), ...common }),
  /** Has the job's credential replaced, as an operator would. */
  z.strictObject({ do: z.literal("rotate"), ...common }),
  /**
   * The value is the upstream's account of a label: `{ issued, asked, revoked, orders }`, with how many it has issued, how often it
   * was asked to revoke one that is alive, how many it has revoked, and the contents of each order:
   * `{ budget, models, expires_at }`.
   */
  z.strictObject({ do: z.literal("account"), label: z.string(), ...common }),

  // When it continues, and how it ends.
  /** Opens a gate: every job of the runtime that waits for it, now or later, continues. */
  z.strictObject({ do: z.literal("open"), gate: z.string(), ...common }),
  /** Waits until a gate is open; a job that is told to stop does not wait on, unless it is stubborn. */
  z.strictObject({
    do: z.literal("await"),
    gate: z.string(),
    stubborn: z.boolean().optional(),
    ...common,
  }),
  /** Waits this many milliseconds; with `block`, without yielding to anything else in the process. */
  z.strictObject({
    do: z.literal("pause"),
    ms: z.number(),
    stubborn: z.boolean().optional(),
    block: z.boolean().optional(),
    ...common,
  }),
  /** Fails as a protocol error that the agent raises on purpose. */
  z.strictObject({
    do: z.literal("raise"),
    code: z.string(),
    message: z.string(),
    retryable: z.boolean().optional(),
    details: z.record(z.string(), z.json()).optional(),
    ...common,
  }),
  /** Fails with an unexpected exception. */
  z.strictObject({ do: z.literal("crash"), message: z.string(), ...common }),
  /** Ends the job with this value instead of the outcomes. */
  z.strictObject({ do: z.literal("return"), value: json, ...common }),
]);

export type PlainStep = z.infer<typeof plain>;

/** Repeats its steps this many times. */
const repeat = z.strictObject({ do: z.literal("repeat"), times: z.int(), steps: z.array(plain) });

export const step = z.union([plain, repeat]);

/** One thing that `conformance.script` does. */
export type Step = z.infer<typeof step>;

/** The input of `conformance.script`: its steps, and what it does when it is told to stop before their end. */
export const script = z.strictObject({
  steps: z.array(step),
  cleanup: z.array(step).optional(),
});

/** What a test agent does: its steps, one after the other. */
export type Script = z.infer<typeof script>;
