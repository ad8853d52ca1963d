import { type JobId, type MessageId, newJobId, newSessionId } from "@arcp/core";
import { type AttachmentRow, comparePlaces, type JobRow, type Run } from "@arcp/runtime/store";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Scratch } from "../test/scratch.ts";
import { sqliteStore } from "./sqlite-store.ts";

/** Any JavaScript string, including lone surrogates. */
const text = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 })
  .map((units) => String.fromCharCode(...units));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const count = fc.oneof(fc.nat(9), fc.constant(Number.MAX_SAFE_INTEGER));
const place = count.map((n) => Math.max(1, n));
/** Milliseconds since 1970, over the range of a Date. */
const time = fc.oneof(
  // -0 and 0 count as the same.
  fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }).map((ms) => ms + 0),
  fc.constantFrom(0, 8.64e15, 1_790_000_000_000.25),
);
/** Written like an exact amount: without an exponent, possibly negative, -0 included. */
const decimal = fc
  .tuple(fc.constantFrom("", "-"), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.nat({ max: 400 }))
  .map(
    ([sign, whole, places]) =>
      `${sign}${whole}${places > 0 ? `.${"1".padStart(places, "0")}` : ""}`,
  );
const trace = fc.record({ traceparent: text, tracestate: text }, { requiredKeys: ["traceparent"] });
const json = fc.jsonValue().map((value) => JSON.stringify(value));

const aJob: fc.Arbitrary<JobRow> = fc.record({
  id: fc.constant(0).map(newJobId),
  principal: text,
  session: fc.constant(0).map(newSessionId),
  submittedIn: maybe(fc.constant(0).map(newSessionId)),
  features: fc.array(text),
  request: maybe(text as fc.Arbitrary<MessageId>),
  parent: maybe(fc.constant(0).map(newJobId)),
  delegateId: maybe(text),
  agent: fc.constantFrom("a", "a@1.0.0"),
  input: maybe(json),
  lease: fc.dictionary(text, fc.array(text)),
  expiresAt: maybe(time),
  maxRuntimeSec: maybe(fc.constantFrom(1, 5e-324, 0.5, Number.MAX_SAFE_INTEGER, 1e300)),
  traceId: text,
  traceContext: maybe(trace),
  firstAttempt: maybe(trace),
  acceptedAt: time,
  keepUntil: maybe(time),
  status: fc.constantFrom("pending", "running", "success", "error", "cancelled", "timed_out"),
  finishedAt: maybe(time),
  remaining: maybe(fc.dictionary(text, decimal)),
  cancel: maybe(fc.record({ reason: maybe(text) })),
  workspace: maybe(text),
  attempt: maybe(count),
  checkpoint: maybe(json),
  streamed: maybe(fc.boolean()),
});

const aSession = fc.record({
  principal: text,
  features: fc.array(text),
  epoch: count,
  tokens: fc.uniqueArray(fc.uuid(), { maxLength: 3 }),
  issued: maybe(count),
  acked: count,
});
const anAttachment: fc.Arbitrary<AttachmentRow> = fc.record({
  job: fc.constant(0).map(newJobId),
  role: fc.constantFrom("owner", "observer"),
  after: count,
  since: count,
  request: maybe(text as fc.Arbitrary<MessageId>),
});
const aRun: fc.Arbitrary<Run> = fc.record(
  {
    from: place,
    job: fc.constant(0).map(newJobId),
    jobFrom: place,
    role: fc.constantFrom("owner", "observer"),
    said: json,
    to: count,
  },
  { requiredKeys: ["from", "job", "jobFrom", "role"] },
);

test("a job with any values its types allow round-trips, listed and by itself, in the next process too", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aJob, { minLength: 1, maxLength: 40 }), async (rows) => {
      using scratch = new Scratch();
      const file = scratch.newFile();
      const before = sqliteStore(file);
      for (const row of rows) await before.jobs.insert(row);
      await before.close();
      const { jobs, close } = sqliteStore(file);
      for (const row of rows) expect(await jobs.get(row.id)).toEqual(row);
      const damaged: JobId[] = [];
      const listed = await jobs.list({ limit: 99 }, ({ id }) => damaged.push(id));
      expect(damaged).toEqual([]);
      const small = rows.map(({ input: _, checkpoint: __, ...rest }) => rest);
      expect(listed).toEqual(small.sort(comparePlaces));
      await close();
    }),
    { numRuns: 50 },
  );
});

test("a session with any values its types allow round-trips to the next process", async () => {
  await fc.assert(
    fc.asyncProperty(
      aSession,
      fc.array(anAttachment, { maxLength: 5 }),
      fc.uniqueArray(aRun, { maxLength: 5, selector: ({ from }) => from }),
      fc.record({ request: text as fc.Arbitrary<MessageId>, reply: json }),
      async (session, attach, opened, refused) => {
        using scratch = new Scratch();
        const file = scratch.newFile();
        const before = sqliteStore(file);
        const row = { ...session, id: newSessionId() };
        const runs = opened.toSorted((a, b) => a.from - b.from);
        await before.sessions.insert(row);
        expect(await before.sessions.commit(row.id, row.epoch, { attach, runs, refused })).toBe(
          "committed",
        );
        await before.close();
        const { sessions, close } = sqliteStore(file);
        expect(await sessions.get(row.id)).toEqual(row);
        expect(await sessions.attachments(row.id)).toEqual(attach);
        expect(await sessions.runs(row.id)).toEqual(runs);
        expect(await sessions.refusal(row.id, refused.request)).toBe(refused.reply);
        await close();
      },
    ),
    { numRuns: 100 },
  );
});
