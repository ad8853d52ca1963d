import type { Program } from "./action.ts";

/** A program that once broke something, and what that was. */
export interface Regression {
  readonly was: string;
  readonly program: Program;
}

/** As the fuzzer printed them, by what was wrong. */
export const regressions: readonly Regression[] = [
  {
    was: "R-5.4-4: a request under way when a resume moved its connection was never answered",
    program: {
      house: "roomy",
      actions: [
        { do: "open", greeting: { as: "alice", offer: "quiet" }, delivery: "whole" },
        { do: "settle" },
        { do: "open", greeting: { as: "alice", offer: "quiet" }, delivery: "whole" },
        { do: "settle" },
        {
          do: "send",
          at: 0,
          request: { verb: "list" },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "held",
        },
        {
          do: "send",
          at: 0,
          request: { verb: "cancel", job: { of: "unknown", nth: 0 }, named: "both" },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "held",
        },
        {
          do: "send",
          at: 0,
          request: {
            verb: "subscribe",
            job: { of: "unknown", nth: 0 },
            history: true,
            position: 0,
          },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "held",
        },
        {
          do: "send",
          at: 0,
          request: {
            verb: "open",
            greeting: {
              as: "alice",
              offer: "quiet",
              resumption: {
                form: "resume",
                of: "own",
                nth: 1,
                token: "newest",
                position: "last",
                names: "session",
              },
            },
          },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "whole",
        },
        { do: "settle" },
      ],
    },
  },
  {
    was: "R-5.4-1, R-6.3-5: a resume whose window ended while the store was asked was refused without its id, and named the session",
    program: {
      house: "slow",
      actions: [
        { do: "open", greeting: { as: "alice", offer: "all" }, delivery: "whole" },
        { do: "open", greeting: { as: "alice", offer: "none" }, delivery: "whole" },
        { do: "open", greeting: { as: "alice", offer: "all" }, delivery: "whole" },
        { do: "open", greeting: { as: "bob", offer: "quiet" }, delivery: "fragments" },
        {
          do: "send",
          at: 3,
          request: {
            verb: "open",
            greeting: {
              as: "bob",
              offer: "quiet",
              resumption: {
                form: "resume",
                of: "own",
                nth: 0,
                token: "newest",
                position: "last",
                names: "nothing",
              },
            },
          },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "whole",
        },
        { do: "pass", ms: 11000 },
        { do: "open", delivery: "whole" },
      ],
    },
  },
  {
    was: "R-6.6-2: that a refusal told an id back, on the connection behind the one that had said it, was taken for a leak",
    program: {
      house: "slow",
      actions: [
        { do: "open", greeting: { as: "alice", offer: "few" }, delivery: "whole" },
        { do: "open", greeting: { as: "bob", offer: "few" }, delivery: "held" },
        {
          do: "send",
          at: 0,
          request: { verb: "submit", agent: "talk", size: 0 },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "whole",
        },
        { do: "settle" },
        {
          do: "open",
          greeting: {
            as: "alice",
            offer: "all",
            resumption: {
              form: "resume",
              of: "own",
              nth: 0,
              token: "newest",
              position: "lower",
              names: "session",
            },
          },
          delivery: "whole",
        },
        {
          do: "send",
          at: 2,
          request: {
            verb: "subscribe",
            job: { of: "foreign", nth: 0 },
            history: false,
            position: 0,
          },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "whole",
        },
        { do: "open", delivery: "whole" },
      ],
    },
  },
  {
    was: "that an agent broke its output schema, as it is meant to, was taken for a fault of the runtime",
    program: {
      house: "slow",
      actions: [
        { do: "open", greeting: { as: "alice", offer: "few" }, delivery: "whole" },
        {
          do: "send",
          at: 0,
          request: { verb: "submit", agent: "strict", size: 5 },
          id: "fresh",
          session: "own",
          edits: [],
          delivery: "whole",
        },
      ],
    },
  },
];
