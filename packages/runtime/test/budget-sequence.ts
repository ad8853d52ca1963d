import assert from "node:assert/strict";
import Big from "big.js";
import fc from "fast-check";
import { Budget } from "../src/authority/budget.ts";
import type { Money } from "../src/authority/money.ts";
import type { Reservation } from "../src/authority/reservation.ts";
import { Account, decimal, type Hold, type Units, units } from "./ledger.ts";

const CURRENCIES = ["USD", "EUR", "credits"] as const;

/** Small amounts that add up to each other, amounts with the maximum number of digits, and amounts far too large. */
const amount = fc
  .oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 400 }).map((n) => `${n / 100}`) },
    { weight: 1, arbitrary: fc.stringMatching(/^[0-3]\.\d{1,18}$/) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("0.1", "0.3", "0.000000000000000001", "10", "1000000"),
    },
  )
  .map(units);
const amounts = fc
  .dictionary(fc.constantFrom(...CURRENCIES), amount, { minKeys: 1, maxKeys: 3 })
  .map((entries) => new Map(Object.entries(entries)));

const step = fc.record({
  what: fc.constantFrom(
    "spend",
    "spend",
    "splurge",
    "reserve",
    "report",
    "settle",
    "release",
    "delegate",
    "end",
    "late",
  ),
  who: fc.nat(1000),
  which: fc.nat(1000),
  amounts,
});

const steps = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });

const each = (amount: string) => new Map(CURRENCIES.map((currency) => [currency, units(amount)]));

/** The first job itself spends what it has granted to children, which hardly happens by chance. */
const overspending = [
  { what: "delegate", who: 0, which: 0, amounts: each("8") },
  { what: "splurge", who: 0, which: 0, amounts: each("2") },
] as const;

/** What jobs do with their money: which of the live jobs does what, with how much. */
export const aSequence = fc.oneof(
  steps,
  steps.map((rest) => [...overspending, ...rest]),
);
export type Sequence = typeof aSequence extends fc.Arbitrary<infer T> ? T : never;

/** What sequences did, to show that they did something. */
export const tally = { steps: 0, refused: 0, jobs: 0, overspent: 0 };

interface Job {
  readonly budget: Budget;
  readonly account: Account;
  readonly open: Map<Reservation, Hold>;
}

/** Plays a sequence on budgets and on separately kept accounts, and compares all of them after every step. */
export function playBudgets(sequence: Sequence): void {
  const grant = new Map(CURRENCIES.map((currency) => [currency, units("10")]));
  const jobs: Job[] = [jobOf(new Budget(inBig(grant)), new Account(grant))];
  for (const { what, who, which, amounts: wanted } of sequence) {
    const living = jobs.filter(({ account }) => account.live);
    const job = living[who % living.length];
    if (job === undefined) break;
    const [reservation, hold] = [...job.open][which % Math.max(1, job.open.size)] ?? [];
    tally.steps += 1;
    const ended = jobs.filter(({ account }) => !account.live);
    if (what === "spend") spend(job, wanted);
    else if (what === "splurge") splurge(job, wanted);
    // What it began to spend before its end.
    else if (what === "late") spend(ended[who % ended.length] ?? job, wanted);
    else if (what === "reserve") reserve(job, wanted);
    else if (what === "delegate") jobs.push(...delegate(job, wanted));
    else if (what === "end") end(job, jobs);
    else if (reservation !== undefined && hold !== undefined) {
      if (what === "report") {
        reservation.spent(inBig(wanted));
        spend(job, wanted);
        job.open.set(reservation, job.account.lessen(hold, wanted));
        compare(jobs);
        continue;
      }
      if (what === "settle") spend(job, wanted);
      reservation.release();
      job.open.delete(reservation);
      job.account.open.delete(hold);
    }
    compare(jobs);
  }
  for (const job of jobs.slice(1)) end(job, jobs);
  for (const reservation of jobs[0]?.open.keys() ?? []) reservation.release();
  const [top] = jobs;
  assert.deepEqual(top?.budget.available(), top?.budget.remaining());
}

function jobOf(budget: Budget, account: Account): Job {
  tally.jobs += 1;
  return { budget, account, open: new Map() };
}

function inBig(all: ReadonlyMap<string, Units>): Money {
  return new Map([...all].map(([currency, value]) => [currency, new Big(decimal(value))]));
}

function spend({ budget, account }: Job, all: ReadonlyMap<string, Units>): void {
  for (const [currency, value] of all) {
    budget.spend(currency, new Big(decimal(value)));
    account.spend(currency, value);
  }
}

/** Spends everything but this much, including what it has granted. */
function splurge(job: Job, left: ReadonlyMap<string, Units>): void {
  const all = [...left].map(([currency, keep]): [string, Units] => {
    const rest = job.account.remaining(currency) - keep;
    return [currency, rest > 0n ? rest : 0n];
  });
  spend(job, new Map(all));
}

function reserve(job: Job, all: ReadonlyMap<string, Units>): void {
  const outcome = job.budget.reserve(inBig(all));
  assert.equal(outcome.ok, job.account.fits(all));
  if (outcome.ok) job.open.set(outcome.reservation, job.account.hold(all));
  else tally.refused += 1;
}

function delegate({ budget, account }: Job, grant: ReadonlyMap<string, Units>): Job[] {
  const outcome = budget.delegate(inBig(grant));
  const isBudgeted = [...grant.keys()].every((currency) => account.grant.has(currency));
  assert.equal(outcome.ok, isBudgeted && account.fits(grant));
  if (outcome.ok) return [jobOf(outcome.child, new Account(grant, account))];
  tally.refused += 1;
  return [];
}

/** A job ends after its descendants; the first one lives on, so that there is always one. */
function end(job: Job, jobs: readonly Job[]): void {
  if (job.account.parent === undefined) return;
  for (const child of jobs) if (child.account.parent === job.account) end(child, jobs);
  job.budget.close();
  job.account.end();
}

function compare(jobs: readonly Job[]): void {
  for (const { budget, account } of jobs) {
    const spent = budget.exhausted();
    for (const currency of account.grant.keys()) {
      const remaining = account.remaining(currency);
      if (remaining < 0n) tally.overspent += 1;
      assert.equal(budget.remaining().get(currency), decimal(remaining));
      if (!account.live) continue;
      assert.equal(budget.available().get(currency), decimal(account.available(currency)));
      if (remaining <= 0n) assert(spent !== undefined);
    }
  }
}
