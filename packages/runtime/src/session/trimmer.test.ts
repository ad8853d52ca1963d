import assert from "node:assert/strict";
import { type JobId, newJobId } from "@arcp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cut, Role, Run } from "../store/index.ts";
import { Journal } from "./journal.ts";
import { Trimmer } from "./trimmer.ts";

const JOBS = [newJobId(), newJobId(), newJobId(), newJobId()] as const;
const ROLES: readonly Role[] = ["owner", "owner", "observer", "observer"];

/** The meaning of one number, or that nobody can tell it any more. */
type Meaning = { readonly job: JobId; readonly role: Role; readonly jobSeq: number } | "gone";

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        batch: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 })), {
          minLength: 1,
          maxLength: 5,
        }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ ack: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.constant("sweep" as const) },
  ),
  { minLength: 20, maxLength: 60, size: "max" },
);

/** The runs that a store holds after these cuts. */
function cutRuns(runs: readonly Run[], cuts: readonly Cut[]): Run[] {
  let kept = [...runs];
  for (const { from, to } of cuts) {
    kept = kept.filter((run) => run.from < from || run.from > to);
    const before = kept.findLastIndex((run) => run.from < from);
    const run = kept[before];
    if (run !== undefined) kept[before] = { ...run, to: Math.min(run.to ?? from - 1, from - 1) };
  }
  return kept;
}

test("R-6.5-2, R-6.3-18, P3: trimming a journal forgets only what it may, and nothing that stays changes its meaning", () => {
  const seen = { gone: 0, holes: 0 };
  fc.assert(
    fc.property(steps, (plan) => {
      const journal = new Journal();
      const trimmer = new Trimmer(journal);
      const meanings: Meaning[] = [];
      const removed = new Set<JobId>();
      const heads = [0, 0, 0, 0];
      let stored: Run[] = [];
      let acked = 0;
      for (const step of plan) {
        if (step === "sweep") {
          stored = cutRuns(stored, trimmer.sweep({ acked, holds: () => false }));
        } else if ("batch" in step) {
          const runs: Run[] = [];
          for (const [index, count] of step.batch) {
            const [job, role] = [JOBS[index], ROLES[index]];
            if (job === undefined || role === undefined || removed.has(job)) continue;
            const head = heads[index] ?? 0;
            heads[index] = head + count;
            runs.push({ from: meanings.length + 1, job, jobFrom: head + 1, role });
            for (let i = 1; i <= count; i++) meanings.push({ job, role, jobSeq: head + i });
          }
          journal.open(runs);
          journal.issue(meanings.length);
          stored.push(...runs);
        } else if ("ack" in step) {
          acked = Math.min(meanings.length, acked + step.ack);
          trimmer.acknowledged(acked);
        } else {
          const job = JOBS[step.remove];
          if (job === undefined || removed.has(job)) continue;
          removed.add(job);
          trimmer.removed(job);
          // As the runtime does before it removes the log.
          if (journal.current?.job === job) {
            journal.close();
            stored = cutRuns(stored, [{ from: meanings.length + 1, to: meanings.length }]);
          }
        }
        // Both have the same meanings, whichever is restored from the store.
        for (const told of [journal, new Journal(stored)]) {
          told.issue(meanings.length);
          for (const [i, meaning] of meanings.entries()) {
            const origin = told.origin(i + 1);
            if (origin !== undefined) {
              assert(meaning !== "gone");
              assert.deepEqual(
                [origin.job, origin.role, origin.jobSeq],
                [meaning.job, meaning.role, meaning.jobSeq],
              );
            } else if (meaning !== "gone") {
              const over = meaning.role === "observer" && i + 1 <= acked;
              assert(over || removed.has(meaning.job));
              meanings[i] = "gone";
              seen.gone += 1;
            }
          }
          // How far the numbers went is never forgotten.
          assert.equal(told.origin(meanings.length) !== undefined || meanings.length === 0, true);
          const [whole] = [
            [...told.spans(1, meanings.length)].reduce((sum, { count }) => sum + count, 0),
          ];
          const hole = meanings.indexOf("gone");
          assert.equal(whole, hole === -1 ? meanings.length : hole);
          if (hole > 0) seen.holes += 1;
          for (const job of JOBS) {
            const known = meanings.flatMap((m, i) =>
              m !== "gone" && m.job === job ? [i + 1] : [],
            );
            assert.equal(told.lastRecord(job), known.at(-1) ?? 0);
            assert.equal(told.lastNumber(job), known.at(-1) ?? 0);
            for (const seq of [0, 3, meanings.length]) {
              const below = known.filter((n) => n <= seq).map((n) => meanings[n - 1]);
              const most = Math.max(
                0,
                ...below.map((m) => (m === undefined || m === "gone" ? 0 : m.jobSeq)),
              );
              assert.equal(told.reached(job, seq), most);
            }
          }
        }
      }
    }),
    { numRuns: 100 },
  );
  expect(seen.gone).toBeGreaterThan(1000);
  expect(seen.holes).toBeGreaterThan(100);
});

test("R-6.5-2: a journal stays within a bound however long its history, and is scanned only now and then", () => {
  const journal = new Journal();
  const trimmer = new Trimmer(journal);
  let [issued, sweeps, looks, most] = [0, 0, 0, 0];
  for (let round = 0; round < 20_000; round++) {
    // Another session's job, watched beside another; both are removed in time.
    const job = newJobId();
    journal.open([
      { from: issued + 1, job, jobFrom: 1, role: "observer" },
      { from: issued + 3, job: JOBS[0], jobFrom: round + 1, role: "observer" },
    ]);
    issued += 3;
    journal.issue(issued);
    trimmer.acknowledged(issued);
    if (round % 2 === 0) trimmer.removed(job);
    const before = journal.size;
    const cuts = trimmer.trim({
      acked: issued,
      holds: (run) => journal.tellsPlace(run) && run.job === JOBS[0],
    });
    if (cuts.length > 0) {
      sweeps += 1;
      looks += before;
    }
    most = Math.max(most, journal.size);
  }
  expect(most).toBeLessThan(150);
  expect(sweeps).toBeGreaterThan(100);
  expect(looks).toBeLessThan(6 * 20_000);
});

test("R-6.5-1: runs that must stay for now are trimmed later, and not looked at again and again meanwhile", () => {
  const journal = new Journal();
  const trimmer = new Trimmer(journal);
  for (let i = 0; i < 1000; i++) {
    journal.open([
      { from: i + 1, job: JOBS[i % 2] ?? newJobId(), jobFrom: i + 1, role: "observer" },
    ]);
  }
  journal.issue(1000);
  let looks = 0;
  let holding = true;
  const trim = () =>
    trimmer.trim({
      acked: 1000,
      holds: () => {
        looks += 1;
        return holding;
      },
    });
  for (let seq = 1; seq <= 1000; seq++) {
    trimmer.acknowledged(seq);
    trim();
  }
  expect(journal.size).toBe(1000);
  expect(looks).toBeLessThan(3000);
  holding = false;
  trimmer.removed(JOBS[0]);
  trimmer.removed(JOBS[1]);
  expect(trim()).toEqual([{ from: 1, to: 999 }]);
  expect(journal.size).toBe(1);
});

test("R-14-2, R-6.3-18: a journal of concurrent jobs keeps its newest runs, and the last one of each job", () => {
  const limits = { most: 1000, kept: 750 };
  const journal = new Journal();
  const trimmer = new Trimmer(journal, limits);
  const quiet = Array.from({ length: 50 }, () => newJobId());
  const run = (from: number, job: JobId, jobFrom: number): Run => ({
    from,
    job,
    jobFrom,
    role: "owner",
  });
  journal.open(quiet.map((job, i) => run(i + 1, job, 1)));
  let [issued, looks, stored] = [quiet.length, 0, [...journal.runs(1, 50)]];
  for (let i = 0; i < 20_000; i++) {
    issued += 1;
    const next = run(issued, JOBS[i % 2] ?? JOBS[0], (i >> 1) + 1);
    journal.open([next]);
    journal.issue(issued);
    stored.push(next);
    const { size } = journal;
    const cuts = trimmer.trim({ acked: 0, holds: () => false });
    if (cuts.length > 0) looks += size;
    stored = cutRuns(stored, cuts);
    expect(journal.size).toBeLessThanOrEqual((limits.kept + quiet.length) * (1000 / 750));
  }
  expect(looks).toBeLessThan(6 * 20_000);
  for (const told of [journal, new Journal(stored)]) {
    told.issue(issued);
    for (let seq = issued - 749; seq <= issued; seq++) {
      const i = seq - quiet.length - 1;
      expect(told.origin(seq)).toMatchObject({ job: JOBS[i % 2], jobSeq: (i >> 1) + 1 });
    }
    // What was removed stays removed, and nothing else takes its place.
    expect(told.origin(quiet.length + 1)).toBeUndefined();
    expect([...told.spans(quiet.length + 1, issued)]).toEqual([]);
    for (const [i, job] of quiet.entries()) expect(told.lastNumber(job)).toBe(i + 1);
  }
});

test("R-14-2: a journal with more jobs than it has room for keeps one run each, and is not scanned for each of them", () => {
  const journal = new Journal();
  const trimmer = new Trimmer(journal, { most: 100, kept: 75 });
  const { trim } = journal;
  let looks = 0;
  journal.trim = (goes) => {
    looks += journal.size;
    return trim.call(journal, goes);
  };
  for (let seq = 1; seq <= 5000; seq++) {
    journal.open([{ from: seq, job: newJobId(), jobFrom: 1, role: "owner" }]);
    journal.issue(seq);
    trimmer.trim({ acked: 0, holds: () => false });
  }
  expect(journal.size).toBe(5000);
  expect(looks).toBeLessThan(5 * 5000);
  expect(looks).toBeGreaterThan(0);
});
