import { setTimeout as pause } from "node:timers/promises";
import { connect, type Job } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { sqliteStore } from "../src/index.ts";
import { Victim } from "./victim.ts";

export interface KilledFamily {
  readonly kills: number;
  readonly children: number;
  /** Those of them that ended with their parent. */
  readonly orphans: number;
  /** Thousandths of the currency that were spent in total. */
  readonly spent: number;
}

/**
 * Kills the runtime again and again while a job that is run again has children that spend its money.
 * @throws Error when a child outlives an attempt, a job has not exactly one end, or any remaining budget is not the
 * grant minus what the logs say was spent; or when no child was there to end with its parent
 */
export async function killFamily(
  file: string,
  kills: number,
  random: () => number,
  log: (line: string) => void = () => {},
): Promise<KilledFamily> {
  const victim = new Victim(file);
  await victim.start();
  const client = await connect(dial(victim.url), { token: "secret" });
  try {
    const job = await client.submit(
      "family",
      { lastAttempt: kills + 1 },
      { lease: { "cost.budget": ["USD:100000"], "agent.delegate": ["spender"] } },
    );
    for (let kill = 1; kill <= kills; kill++) {
      const wait = Math.round(50 + 300 * random());
      await Promise.all([pause(wait), inItsMidst(job, kill)]);
      await victim.kill();
      await victim.start();
      log(`killed after ${wait} ms`);
    }
    await job.result();
  } finally {
    await client.close();
    await victim.end();
  }
  return { kills, ...(await account(file)) };
}

/**
 * Resolves once an attempt has its children: on a loaded machine it may have none when its kill is due.
 * @throws Error when the job ends before
 */
async function inItsMidst(job: Job, attempt: number): Promise<void> {
  let [begun, children] = [0, 0];
  for await (const { kind, body } of job.events) {
    if (kind === "status" && body.phase === "running") begun += 1;
    if (kind === "delegate" && begun === attempt) children += 1;
    if (children === 3) return;
  }
  throw new Error(`${job.id} ended in its attempt ${begun}, with ${children} children`);
}

interface Metric {
  readonly name: string;
  readonly value: number;
}

/** The final contents of the file. Amounts are in thousandths, which these jobs never divide. */
async function account(file: string): Promise<Omit<KilledFamily, "kills">> {
  const store = sqliteStore(file);
  const rows = await store.jobs.list({ limit: 1_000_000 });
  let [spent, orphans, granted] = [0, 0, 0];
  for (const { id, status, parent, lease, remaining } of rows) {
    const { records } = await store.logs.read(id, 0, { records: 1e9, characters: 1e12 });
    const ends = records.filter(({ kind }) => kind === "terminal");
    if (ends.length !== 1 || records.at(-1) !== ends[0]) {
      throw new Error(`${id} (${status}) has ${ends.length} ends`);
    }
    if (parent !== undefined && status === "error") throw new Error(`${id} ended by a kill`);
    if (ends[0]?.text.includes("parent_ended")) orphans += 1;
    const own = records.map(({ text }) => costOf(text)).reduce((sum, cost) => sum + cost, 0);
    spent += own;
    const [grant] = lease["cost.budget"] ?? [];
    if (parent === undefined) granted = thousandths(grant);
    else if (grant !== undefined) insist(id, thousandths(grant), own, remaining?.["USD"]);
  }
  const family = rows.find(({ parent }) => parent === undefined);
  insist("the family", granted, spent, family?.remaining?.["USD"]);
  await store.close();
  // Three of them run beside it at each kill, and one at its end.
  if (orphans === 0) throw new Error("no child ended with its parent");
  return { children: rows.length - 1, orphans, spent };
}

function costOf(text: string): number {
  const { payload } = JSON.parse(`{${text}`) as { payload: { kind?: string; body?: Metric } };
  if (payload.kind !== "metric" || !payload.body?.name.startsWith("cost.")) return 0;
  return payload.body.name.startsWith("cost.budget.") ? 0 : Math.round(payload.body.value * 1000);
}

function thousandths(amount = ""): number {
  return Math.round(Number(amount.replace("USD:", "")) * 1000);
}

/** @param remaining as the index has it; undefined while nothing was spent */
function insist(
  whose: string,
  granted: number,
  spent: number,
  remaining: string | undefined,
): void {
  const told = remaining === undefined ? granted : Math.round(Number(remaining) * 1000);
  if (told === granted - spent) return;
  throw new Error(`${whose}: ${told / 1000} remain, of ${granted / 1000} less ${spent / 1000}`);
}
