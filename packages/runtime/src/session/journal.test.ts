import { type JobId, newJobId } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Role, Run } from "../store/index.ts";
import { Journal } from "./journal.ts";

const JOBS = [newJobId(), newJobId(), newJobId()] as const;

interface Entry {
  readonly job: JobId;
  readonly role: Role;
  readonly jobSeq: number;
  readonly said: string | undefined;
}

/** The meaning of every number, one entry each, records and a session's own notices between them; and the runs for them. */
const streams = fc
  .array(
    fc.record({
      job: fc.constantFrom(...JOBS),
      role: fc.constantFrom<Role>("owner", "observer"),
      jobFrom: fc.integer({ min: 1, max: 9 }),
      count: fc.integer({ min: 1, max: 5 }),
      said: fc.option(fc.string(), { nil: undefined, freq: 3 }),
    }),
    { maxLength: 14 },
  )
  .map((pieces) => {
    const entries: Entry[] = [];
    const runs: Run[] = [];
    for (const { job, role, jobFrom, count, said } of pieces) {
      const run = { from: entries.length + 1, job, jobFrom, role };
      runs.push(said === undefined ? run : { ...run, said });
      const covered = said === undefined ? count : 1;
      for (let i = 0; i < covered; i++) entries.push({ job, role, jobSeq: jobFrom + i, said });
    }
    return { entries, runs };
  });

function journalOf(runs: readonly Run[], cuts: readonly boolean[] = []): Journal {
  const journal = new Journal();
  const group: Run[] = [];
  for (const [i, run] of runs.entries()) {
    group.push(run);
    if (cuts[i] !== true) journal.open(group.splice(0));
  }
  journal.open(group);
  return journal;
}

test("P1: the origin of every number is that in a list of all numbers, however runs were grouped", () => {
  fc.assert(
    fc.property(streams, fc.array(fc.boolean()), ({ entries, runs }, cuts) => {
      for (const journal of [journalOf(runs, cuts), new Journal(runs)]) {
        expect(journal.origin(0)).toBeUndefined();
        for (const [i, entry] of entries.entries()) {
          expect(journal.origin(i + 1)).toMatchObject(entry);
        }
        // A notice is one number long, so the journal ends there if it is the last.
        const open = entries.length > 0 && entries.at(-1)?.said === undefined;
        expect(journal.origin(entries.length + 1) !== undefined).toBe(open);
      }
    }),
  );
});

test("P1: the spans of any range are its numbers, complete and in order", () => {
  fc.assert(
    fc.property(streams, fc.nat({ max: 60 }), fc.nat({ max: 60 }), ({ entries, runs }, a, b) => {
      const from = 1 + Math.min(a, entries.length);
      const to = Math.min(b, entries.length);
      const told: Entry[] = [];
      for (const { job, role, jobFrom, count, said } of journalOf(runs).spans(from, to)) {
        if (said !== undefined) expect(count).toBe(1);
        for (let i = 0; i < count; i++) told.push({ job, role, jobSeq: jobFrom + i, said });
      }
      expect(told).toEqual(entries.slice(from - 1, Math.max(from - 1, to)));
    }),
  );
});

test("R-7.6-5: a session's position in a job is the highest among its numbers up to there", () => {
  fc.assert(
    fc.property(streams, fc.nat({ max: 70 }), ({ entries, runs }, seq) => {
      const journal = journalOf(runs);
      journal.issue(entries.length);
      for (const job of JOBS) {
        const seen = entries.slice(0, seq).filter((entry) => entry.job === job);
        const records = seen.filter(({ said }) => said === undefined);
        expect(journal.reached(job, seq)).toBe(Math.max(0, ...records.map(({ jobSeq }) => jobSeq)));
        const owned = seen.some(({ role }) => role === "owner");
        const role = owned ? "owner" : seen[0]?.role;
        expect(journal.roleUpTo(job, seq)).toBe(role);
      }
    }),
  );
});

test("R-6.3-20: the last of a job's records tells how far it was read since a number, if its run began after that", () => {
  fc.assert(
    fc.property(
      streams,
      fc.nat({ max: 70 }),
      fc.nat({ max: 70 }),
      ({ entries, runs }, to, since) => {
        const journal = journalOf(runs);
        const issued = Math.min(to, entries.length);
        journal.issue(issued);
        for (const job of JOBS) {
          const run = runs.findLast(
            ({ from, said, ...run }) => run.job === job && said === undefined && from <= issued,
          );
          const read = entries
            .slice(0, issued)
            .findLast((entry) => entry.job === job && entry.said === undefined);
          const isBehind = run !== undefined && run.from > since;
          expect(journal.readSince(job, since)).toBe(isBehind ? read?.jobSeq : undefined);
        }
      },
    ),
  );
});

test("P1: a run at a number under which nothing was sent replaces what was opened there", () => {
  const [a, b] = JOBS;
  const journal = new Journal();
  journal.open([
    { from: 1, job: a, jobFrom: 1, role: "owner" },
    { from: 4, job: a, jobFrom: 9, role: "owner" },
    { from: 6, job: b, jobFrom: 1, role: "owner" },
  ]);
  journal.open([{ from: 4, job: b, jobFrom: 7, role: "observer" }]);
  expect(journal.origin(3)).toMatchObject({ job: a, jobSeq: 3, lastSeq: 3 });
  expect(journal.origin(6)).toMatchObject({ job: b, jobSeq: 9, role: "observer" });
  journal.open([]);
  expect(journal.current).toMatchObject({ from: 4, job: b });
});

test("P1: after a commit of unknown outcome, the last run is not continued", () => {
  const journal = journalOf([{ from: 1, job: JOBS[0], jobFrom: 1, role: "owner" }]);
  journal.seal();
  expect(journal.current).toBeUndefined();
  // What was sent keeps its meaning.
  expect(journal.origin(2)).toMatchObject({ job: JOBS[0], jobSeq: 2 });
  journal.open([{ from: 3, job: JOBS[0], jobFrom: 3, role: "owner" }]);
  expect(journal.current).toMatchObject({ from: 3 });
});

test("R-6.6-7: the last number of every job is the highest one that stands for it, even once the journal is closed", () => {
  fc.assert(
    fc.property(streams, fc.nat({ max: 70 }), ({ entries, runs }, seq) => {
      const issued = Math.min(seq, entries.length);
      const expected = new Map(entries.slice(0, issued).map(({ job }, i) => [job, i + 1]));
      const journal = journalOf(runs);
      const numbers = () => {
        const pairs = JOBS.map((job) => [job, journal.lastNumber(job)] as const);
        return new Map(pairs.filter(([, seq]) => seq > 0));
      };
      journal.issue(issued);
      expect(numbers()).toEqual(expected);
      journal.close();
      journal.issue(entries.length);
      expect(numbers()).toEqual(expected);
      expect(journal.origin(issued + 1)).toBeUndefined();
    }),
  );
});

test("P1: a run opened ahead that may not have been stored is withdrawn, and the next one is stored anew", () => {
  const [job, other] = JOBS;
  const kept: Run = { from: 1, job, jobFrom: 1, role: "owner" };
  const ahead: Run = { from: 4, job: other, jobFrom: 1, role: "owner" };
  const journal = new Journal([kept]);
  journal.open([ahead]);
  expect(journal.current).toEqual(ahead);
  journal.withdraw(ahead);
  expect([journal.last, journal.current]).toEqual([kept, undefined]);
  expect(journal.origin(4)).toMatchObject({ job, jobSeq: 4 });
  // A run opened in its place meanwhile stays.
  const later: Run = { ...ahead, job: JOBS[2] };
  journal.open([later]);
  journal.withdraw(ahead);
  expect([journal.last, journal.current]).toEqual([later, undefined]);
});
