import fc from "fast-check";
import { anEdit } from "../hostile-mutation.ts";
import {
  type Action,
  type Claim,
  type Delivery,
  type Greeting,
  type JobChoice,
  type Nuisance,
  type Program,
  type Request,
  type Resumption,
  rubbish,
} from "./action.ts";
import { agentNames } from "./agents.ts";

/** Picks by weight; what stands first is what a failing program shrinks to. */
function often<T>(...choices: ReadonlyArray<readonly [number, T]>): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}

/** Left out so many times for each time that it is there. */
const rarely = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** The newest ones are the busiest. */
const near = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat(3) },
  fc.nat(9),
);

const claim = often<Claim>(
  [24, "alice"],
  [12, "bob"],
  [2, "slow"],
  [1, "wrong"],
  [1, "empty"],
  [1, "none"],
  [1, "basic"],
);

const position = often<Resumption["position"]>(
  [8, "last"],
  [6, "lower"],
  [2, "none"],
  [1, "higher"],
  [1, "huge"],
  [1, "negative"],
);

const resumption: fc.Arbitrary<Resumption> = fc.record({
  form: fc.constantFrom("resume", "nested", "flat"),
  of: often<Resumption["of"]>([8, "own"], [1, "foreign"]),
  nth: near,
  token: often<Resumption["token"]>([8, "newest"], [2, "older"], [1, "odd"]),
  position,
  names: often<Resumption["names"]>([4, "session"], [4, "nothing"], [1, "other"]),
});

/** @param fresh how many openings are for each that resumes a session */
const greetingOf = (fresh: number): fc.Arbitrary<Greeting> =>
  fc.record({
    as: claim,
    offer: often<Greeting["offer"]>([8, "all"], [8, "quiet"], [2, "few"], [1, "none"]),
    resumption: rarely(fresh, resumption),
  });

const delivery = often<Delivery>([12, "whole"], [3, "held"], [2, "fragments"], [1, "trickle"]);

const job: fc.Arbitrary<JobChoice> = fc.record({
  of: often<JobChoice["of"]>([12, "own"], [2, "foreign"], [1, "unknown"], [1, "odd"]),
  nth: near,
});

const verbOf = (verb: "ping" | "pong" | "close" | "bye") => fc.constant<Request>({ verb });

const request: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record<Request & { verb: "submit" }>({
      verb: fc.constant("submit"),
      agent: fc.constantFrom(...agentNames),
      size: fc.oneof({ weight: 4, arbitrary: fc.nat(20) }, fc.nat(120)),
      key: rarely(3, fc.nat(2)),
      lease: rarely(2, often([12, 0], [3, 1], [1, 2], [1, 3], [1, 4])),
      runtimeSec: rarely(4, fc.constantFrom(1, 5, 0, 2 ** 40)),
      parent: rarely(12, job),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record<Request & { verb: "cancel" }>({
      verb: fc.constant("cancel"),
      job,
      named: fc.constantFrom("both", "envelope", "payload", "differently", "nowhere"),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record<Request & { verb: "subscribe" }>({
      verb: fc.constant("subscribe"),
      job,
      history: fc.boolean(),
      from: rarely(2, fc.constantFrom("event", "job", "job", "both")),
      position: fc.constantFrom(0, 1, 3, 10, 1e6),
    }),
  },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("unsubscribe" as const), job }) },
  {
    weight: 3,
    arbitrary: fc.record<Request & { verb: "list" }>({
      verb: fc.constant("list"),
      limit: rarely(2, fc.constantFrom(1, 2, 1e4, 0)),
      cursor: rarely(2, fc.constantFrom("last", "odd")),
      status: rarely(3, fc.constantFrom("running", "success", "cancelled", "lost")),
    }),
  },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant("ack" as const), position }) },
  { weight: 3, arbitrary: verbOf("ping") },
  { weight: 1, arbitrary: verbOf("pong") },
  { weight: 1, arbitrary: verbOf("close") },
  { weight: 1, arbitrary: verbOf("bye") },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant("open" as const), greeting: greetingOf(0) }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Request & { verb: "other" }>({
      verb: fc.constant("other"),
      type: fc.constantFrom(
        "x-vendor.acme.note",
        "x-vendor.acme.note",
        "x-vendor.",
        "session.welcome",
        "job.event",
        "job.result",
        "job.finish",
        "session.open",
        "tool.invoke",
        "",
        "__proto__",
      ),
      optional: rarely(1, fc.boolean()),
    }),
  },
);

const nuisance = fc.constantFrom<Nuisance[]>(
  "socket ping",
  "binary",
  "too big",
  "not UTF-8",
  "unmasked",
  "reserved bits",
  "torn",
);

const openedOf = (fresh: number) =>
  fc.record<Action & { do: "open" }>({
    do: fc.constant("open"),
    greeting: greetingOf(fresh),
    delivery,
  });

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: openedOf(1),
  },
  { weight: 1, arbitrary: fc.constant<Action>({ do: "open", delivery: "whole" }) },
  {
    weight: 24,
    arbitrary: fc.record<Action & { do: "send" }>({
      do: fc.constant("send"),
      at: near,
      request,
      id: often<"fresh" | "repeated" | "none">([40, "fresh"], [3, "repeated"], [1, "none"]),
      session: often<"own" | "absent" | "other" | "odd">(
        [40, "own"],
        [4, "absent"],
        [1, "other"],
        [1, "odd"],
      ),
      edits: fc.oneof(
        { weight: 10, arbitrary: fc.constant([]) },
        fc.array(anEdit, { minLength: 1, maxLength: 3 }),
      ),
      delivery,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Action & { do: "annoy" }>({
      do: fc.constant("annoy"),
      at: near,
      with: nuisance,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Action & { do: "babble" }>({
      do: fc.constant("babble"),
      at: near,
      text: fc.constantFrom(...(Object.keys(rubbish) as Array<keyof typeof rubbish>)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record<Action & { do: "socket" }>({
      do: fc.constant("socket"),
      at: near,
      how: fc.constantFrom("pause", "pause", "go on", "go on", "destroy", "half-close", "close"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(
        { weight: 20, arbitrary: fc.constantFrom(1, 100, 1_000, 1_000, 2_500, 11_000) },
        { weight: 1, arbitrary: fc.constant(700_000) },
      )
      .map<Action>((ms) => ({ do: "pass", ms })),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(1, 2, 5, 20).map<Action>((turns) => ({ do: "turn", turns })),
  },
  { weight: 5, arbitrary: fc.constant<Action>({ do: "settle" }) },
);

/** Something to see, so that what follows meets a session with a past. */
const work: fc.Arbitrary<Action> = fc
  .record({ at: near, agent: fc.constantFrom("talk", "slow", "stream", "wait"), size: fc.nat(20) })
  .map(({ at, agent, size }) => ({
    do: "send",
    at,
    request: { verb: "submit", agent, size },
    id: "fresh",
    session: "absent",
    edits: [],
    delivery: "whole",
  }));

/** @param longest actions that a program may have, besides those at its beginning */
export function aProgram(longest: number): fc.Arbitrary<Program> {
  const some = (one: fc.Arbitrary<Action>, minLength: number, maxLength: number) =>
    fc.noBias(fc.array(one, { minLength, maxLength, size: "max" }));
  return fc.record({
    house: often<Program["house"]>(
      [3, "roomy"],
      [3, "short"],
      [3, "tight"],
      [2, "slow"],
      [1, "durable"],
      [1, "late"],
    ),
    actions: fc
      .tuple(some(openedOf(20), 1, 4), some(work, 0, 3), some(action, 1, longest))
      .map((parts) => parts.flat()),
  });
}
