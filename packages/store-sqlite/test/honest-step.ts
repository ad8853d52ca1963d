import fc from "fast-check";

/** Texts that look like a part of a record, or that UTF-8 cannot express. */
const ODD = [
  "\ud800",
  "\udfff\ud800x",
  "\u0000",
  '"}}',
  '"id":"',
  '","type":"job.event"',
  ',"payload":{"final_status":"running"}}',
  "key-x…",
];
const text = fc.oneof(fc.string({ maxLength: 9 }), fc.constantFrom(...ODD));
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  text,
  fc.constantFrom(-0, 1e300, 5e-324, 2 ** 53),
);
const amount = fc.oneof(
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.constantFrom(5e-324, 1e21, 1e-7, 0),
);
const which = fc.nat(5);
const session = fc.constantFrom(0, 1);

export const aStep = fc.oneof(
  fc.record({
    do: fc.constant("submit" as const),
    session,
    agent: fc.constantFrom("once", "again"),
    input: fc.oneof(fc.constant(null), text),
    /** Whether the step waits for its answer. */
    patient: fc.boolean(),
    key: fc.option(fc.constantFrom("a", "b", "\ud800"), { nil: undefined }),
    seconds: fc.option(fc.integer({ min: 60, max: 2 ** 53 - 1 }), { nil: undefined }),
    trace: fc.option(fc.constantFrom({}, { tracestate: "a=1" }), { nil: undefined }),
    money: fc.option(fc.constantFrom("USD:1", "EUR:999999999999999999.000000000000000001"), {
      nil: undefined,
    }),
  }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("say" as const), which, text, value }) },
  fc.record({ do: fc.constant("spend" as const), which, amount }),
  fc.record({ do: fc.constant("stream" as const), which, text, long: fc.boolean() }),
  fc.record({ do: fc.constant("delegate" as const), which, value }),
  fc.record({ do: fc.constant("checkpoint" as const), which, value }),
  fc.record({ do: fc.constant("end" as const), which, value, fails: fc.boolean() }),
  fc.record({ do: fc.constant("cancel" as const), session, which, text }),
  fc.record({
    do: fc.constant("subscribe" as const),
    session,
    which,
    history: fc.option(fc.nat(9), { nil: undefined }),
  }),
  fc.record({ do: fc.constant("leave" as const), session }),
  // Its jobs then have no owner until somebody resubmits them.
  fc.record({ do: fc.constant("close" as const), session }),
  fc.record({ do: fc.constant("pause" as const) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
);
export type HonestStep = typeof aStep extends fc.Arbitrary<infer S> ? S : never;
