import { decode, type Envelope, type JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { Dialect } from "./dialect.ts";
import type { Profile } from "./profile.ts";
import type { Rejected, Situation } from "./rejection.ts";

const profiles: readonly Profile[] = ["draft", "typescript", "java", "go", "csharp"];
const sdks = profiles.slice(1);

const E = { code: "INVALID_REQUEST", message: "no", retryable: false } as const;
const TARGET = "job_target" as JobId;

const QUIET: Situation = {
  now: 0,
  hasLiveJob: false,
  awaitsSubmit: false,
  follows: () => false,
  owns: () => false,
};
const LIVE: Situation = { ...QUIET, hasLiveJob: true };
const SUBMITTING: Situation = { ...QUIET, awaitsSubmit: true };
const FOLLOWING: Situation = { ...LIVE, follows: () => true, owns: () => true };
const OWNING: Situation = { ...QUIET, owns: () => true };

const situations = { QUIET, LIVE, SUBMITTING, FOLLOWING, OWNING };

const requests: Record<string, Rejected> = {
  submit: { id: "r", type: "job.submit", trace_id: "a".repeat(32), agent: "x@1" },
  list: { id: "r", type: "session.list_jobs" },
  subscribe: { id: "r", type: "job.subscribe", job_id: TARGET },
  cancel: { id: "r", type: "job.cancel", job_id: TARGET },
  targetless: { id: "r", type: "job.cancel" },
  unknown: { id: "r", type: "session.foo" },
  unreadable: {},
};

/** What is sent, abbreviated: the type, `on` whose job, and what names the request. */
function said(profile: Profile, request: string, situation: keyof typeof situations): string {
  const dialect = new Dialect(profile);
  const messages = dialect.rejection(requests[request] ?? {}, E, situations[situation]);
  const words = messages.map(({ type, id, job_id, payload }) => {
    const told: Record<string, unknown> = { ...payload };
    const on = [job_id, told["job_id"]].map((job) =>
      job === undefined ? "" : job === TARGET ? " on target" : " on fresh",
    );
    return [
      type,
      on[0] || on[1],
      id === undefined ? "" : ` as ${id}`,
      told["request_id"] === undefined ? "" : ` to ${told["request_id"]}`,
    ].join("");
  });
  return words.join(", ") || "nothing";
}

const PAIR = "job.error as r, session.error to r";
const ERROR = "session.error to r";
const PAGE = "session.jobs to r";

/** The rejection table, cell by cell. */
const cells: Record<Profile, readonly [string, keyof typeof situations, string][]> = {
  draft: [
    ["submit", "LIVE", ERROR],
    ["list", "LIVE", ERROR],
    ["subscribe", "FOLLOWING", "session.error on target to r"],
    ["cancel", "SUBMITTING", "session.error on target to r"],
    ["unknown", "LIVE", ERROR],
    ["unreadable", "LIVE", "session.error"],
  ],
  go: [
    ["submit", "LIVE", ERROR],
    ["list", "LIVE", ERROR],
    ["subscribe", "QUIET", ERROR],
    ["cancel", "FOLLOWING", ERROR],
    ["unknown", "LIVE", ERROR],
    ["unreadable", "LIVE", "session.error"],
  ],
  java: [
    ["submit", "LIVE", PAIR],
    ["list", "QUIET", PAIR],
    ["subscribe", "LIVE", "job.error on target as r, session.error on target to r"],
    ["cancel", "OWNING", "job.error on target as r, session.error on target to r"],
    ["cancel", "FOLLOWING", PAIR],
    ["targetless", "QUIET", PAIR],
    ["unknown", "LIVE", PAIR],
    ["unreadable", "LIVE", "job.error, session.error"],
  ],
  typescript: [
    ["submit", "QUIET", "job.error on fresh to r"],
    ["submit", "SUBMITTING", "job.error on fresh to r"],
    ["submit", "FOLLOWING", "job.error on fresh to r"],
    ["list", "LIVE", PAGE],
    ["subscribe", "QUIET", "job.error on target"],
    ["cancel", "LIVE", "job.error on target"],
    ["subscribe", "SUBMITTING", "nothing"],
    ["cancel", "OWNING", "nothing"],
    ["cancel", "FOLLOWING", "nothing"],
    ["targetless", "QUIET", "nothing"],
    ["unknown", "QUIET", "nothing"],
    ["unreadable", "QUIET", "nothing"],
  ],
  csharp: [
    ["submit", "QUIET", ERROR],
    ["submit", "LIVE", "job.accepted on fresh to r, job.error on fresh"],
    ["list", "SUBMITTING", ERROR],
    ["list", "LIVE", PAGE],
    ["subscribe", "QUIET", ERROR],
    ["subscribe", "LIVE", "nothing"],
    ["cancel", "OWNING", ERROR],
    ["cancel", "FOLLOWING", "nothing"],
    ["unknown", "QUIET", ERROR],
    ["unknown", "LIVE", "nothing"],
    ["unreadable", "QUIET", "session.error"],
    ["unreadable", "LIVE", "nothing"],
  ],
};

test.each(profiles.flatMap((profile) => cells[profile].map((cell) => [profile, ...cell] as const)))(
  "R-D-4, R-5.4-2: for %s, a rejected %s, %s, is answered with %s",
  (profile, request, situation, answer) => {
    expect(said(profile, request, situation)).toBe(answer);
  },
);

test.each(sdks)("R-D-4, R-D-5: for %s, no rejection ends a live job", (profile) => {
  for (const request of Object.values(requests)) {
    for (const situation of [LIVE, FOLLOWING]) {
      const answers = new Dialect(profile).rejection(request, E, situation);
      for (const { type, job_id, payload } of answers) {
        if (situation.follows(TARGET)) expect(job_id).not.toBe(TARGET);
        if (profile === "typescript" || profile === "csharp")
          expect(type).not.toBe("session.error");
        if (type === "job.error") expect(payload).toMatchObject({ ...E, final_status: "error" });
        expect(payload).not.toHaveProperty("event_seq");
      }
    }
  }
});

test("R-D-4: an invented job has a new id each time, and the trace of its submit", () => {
  const submit = requests["submit"] ?? {};
  const ids = Array.from({ length: 50 }, () => {
    const [accepted, failed] = new Dialect("csharp").rejection(submit, E, LIVE);
    expect(accepted?.job_id).toBe(failed?.job_id);
    expect(accepted).toMatchObject({
      trace_id: submit.trace_id,
      payload: { job_id: accepted?.job_id, agent: "x@1", lease: {}, trace_id: submit.trace_id },
    });
    return accepted?.job_id;
  });
  expect(new Set(ids).size).toBe(50);
  const [error] = new Dialect("typescript").rejection(submit, E, LIVE);
  expect(error?.trace_id).toBe(submit.trace_id);
  const nameless = { ...submit, agent: "Not An Agent", trace_id: "no trace" };
  const [accepted] = new Dialect("csharp").rejection(nameless, E, LIVE);
  expect(accepted).toMatchObject({ payload: { agent: "unknown" } });
  expect(accepted?.trace_id).toMatch(/^[0-9a-f]{32}$/);
});

test.each<[Profile, readonly object[]]>([
  ["draft", [{ type: "session.error", payload: { ...E, request_id: "r" } }]],
  ["typescript", [{ type: "session.error", payload: { ...E, request_id: "r" } }]],
  ["go", [{ type: "session.error", payload: { ...E, request_id: "r" } }]],
  ["csharp", [{ type: "session.error", payload: { ...E, request_id: "r" } }]],
  [
    "java",
    [
      { type: "job.error", id: "r", payload: { ...E, final_status: "error" } },
      { type: "session.error", payload: { ...E, request_id: "r" } },
    ],
  ],
])("R-12-5: the last word to %s", (profile, words) => {
  const dialect = new Dialect(profile);
  expect(dialect.refusal("r", E)).toEqual(words);
  // For a session that goes wrong, without a request to answer.
  expect(dialect.refusal(undefined, E)).toEqual([{ type: "session.error", payload: E }]);
});

test.each([
  ["typescript", "session.close", true],
  ["csharp", "session.close", true],
  ["typescript", "session.resume", true],
  ["csharp", "session.resume", true],
  ["typescript", "session.bye", false],
  ["csharp", "job.submit", false],
  ["java", "session.close", false],
  ["go", "session.resume", false],
] as const)("R-D-3: %s that sends %s is draft: %s", (profile, type, changes) => {
  const dialect = new Dialect(profile);
  dialect.heard(type);
  const draft = new Dialect("draft");
  const rejected = (one: Dialect) => one.rejection(requests["unknown"] ?? {}, E, LIVE);
  if (changes) {
    expect(rejected(dialect)).toEqual(rejected(draft));
    expect(dialect.rewrites).toBe(draft.rewrites);
  } else {
    expect(dialect.rewrites).toBe(new Dialect(profile).rewrites);
    expect(dialect.rewrites).not.toBe(draft.rewrites);
  }
});

function submit(expires_at: string): Envelope {
  const payload = { agent: "a", lease_constraints: { expires_at } };
  const decoded = decode(JSON.stringify({ id: "m", type: "job.submit", payload }));
  return decoded.kind === "ok" ? decoded.message : expect.fail(decoded.kind);
}

test.each([
  ["2026-11-02T20:00:00+00:00", "2026-11-02T20:00:00Z"],
  ["2026-11-02T20:00:00.1234567-00:00", "2026-11-02T20:00:00.1234567Z"],
  ["2026-11-02T20:00:00Z", "2026-11-02T20:00:00Z"],
  ["2026-11-02T20:00:00+02:00", "2026-11-02T20:00:00+02:00"],
])("R-9.5-1: %s is sent as %s to csharp and go, and unchanged to the others", (sent, read) => {
  for (const profile of profiles) {
    const { payload } = new Dialect(profile).read(submit(sent));
    const expected = profile === "csharp" || profile === "go" ? read : sent;
    expect(payload).toMatchObject({ lease_constraints: { expires_at: expected } });
  }
});

test("R-9.8-12, R-D-1: TypeScript gets credential constraints in its own terms too, and only bearer credentials", () => {
  const base = { id: "c", scheme: "bearer", value: "v", endpoint: "https://e.test" };
  const constraints = {
    "cost.budget": ["EUR:1"],
    "model.use": ["m/*"],
    expires_at: "2026-11-02T20:00:00Z",
  };
  const all = [base, { ...base, constraints }, { ...base, scheme: "mtls" }];
  expect(new Dialect("typescript").credentials(all)).toEqual([
    base,
    { ...base, constraints: { ...constraints, allowed_models: ["m/*"], max_spend: ["EUR:1"] } },
  ]);
  for (const profile of profiles.filter((name) => name !== "typescript")) {
    expect(new Dialect(profile).credentials(all)).toEqual(all);
  }
});

test("R-6.7-6, R-6.3-8, R-6.3-17, R-10-2: other differences", () => {
  const facts = profiles.map((profile) => {
    const dialect = new Dialect(profile);
    return [
      profile,
      dialect.farewell("why").type,
      dialect.repeatsAcceptances,
      dialect.losesSubscriptions,
      [false, true].map((submitting) => dialect.introduces(submitting)),
    ];
  });
  expect(facts).toEqual([
    ["draft", "session.closed", true, true, [true, true]],
    ["typescript", "session.bye", false, false, [true, false]],
    ["java", "session.closed", false, false, [false, false]],
    ["go", "session.closed", false, false, [false, false]],
    ["csharp", "session.bye", false, false, [false, false]],
  ]);
});

test("an unknown profile is refused by name", () => {
  expect(() => new Dialect("rust" as Profile)).toThrow(
    "dialect: rust is not one of draft, typescript, java, go, csharp",
  );
  expect(() => new Dialect("toString" as Profile)).toThrow("dialect: toString");
});
