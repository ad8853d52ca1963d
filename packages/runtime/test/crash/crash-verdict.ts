import assert from "node:assert/strict";
import { isTerminal, type JobId } from "@arcp/core";
import type { JobRow, LogRecord } from "../../src/store/index.ts";
import type { CrashClient } from "./crash-client.ts";
import type { CrashHouse } from "./crash-house.ts";

const ALL = { records: 1000, characters: 1e6 };

const isEnd = (type: string) => type === "job.result" || type === "job.error";

/** What must hold once the next process has come to rest. @throws AssertionError */
export async function judge(house: CrashHouse): Promise<void> {
  const { rig, clients, upstream } = house;
  const rows = (await rig.store.jobs.list({ limit: 1000 })) as JobRow[];
  const logs = new Map<JobId, readonly LogRecord[]>();
  for (const { id } of rows) logs.set(id, (await rig.store.logs.read(id, 0, ALL)).records);
  for (const row of rows) {
    const log = logs.get(row.id) ?? [];
    const said = `${row.id} of ${row.agent}`;
    assert.ok(isTerminal(row.status), `R-7.3-10: ${said} is ${row.status}`);
    const ends = log.flatMap(({ kind }, i) => (kind === "terminal" ? [i + 1] : []));
    assert.deepEqual(ends, [log.length], `J3: the ends of ${said}`);
    if (row.parent !== undefined) {
      const told = (logs.get(row.parent) ?? []).filter(
        ({ kind, text }) => kind === "delegate" && text.includes(row.id),
      );
      assert.equal(told.length, 1, `R-10-2: records that tell of ${said}`);
    }
    for (const client of clients) {
      if (client.session === row.session) judgeOwner(client, row, log);
    }
  }
  for (const [job, log] of logs) {
    for (const { kind, text } of log) {
      const child = kind === "delegate" ? /"child_job_id":"([^"]+)"/.exec(text)?.[1] : undefined;
      assert.ok(
        child === undefined || logs.has(child as JobId),
        `R-10-2: ${job} tells of ${child}`,
      );
    }
  }
  for (const client of clients) if (client.session !== undefined) judgeAnswers(client, rows);
  await judgeKeys(house, rows);
  assert.deepEqual([...upstream.alive], [], "R-9.8-6: credentials in force");
  // An interrupted order is looked for this long, since it may still make a credential.
  if ((await rig.store.credentials.list()).length > 0) await house.calm(400);
  assert.deepEqual(await rig.store.credentials.list(), [], "R-9.8-8: outstanding credentials");
}

/** Every key leads to the one job that was made with it, as everyone was told. */
async function judgeKeys({ rig, clients }: CrashHouse, rows: readonly JobRow[]): Promise<void> {
  const led = new Map<string, JobId | undefined>();
  for (const client of clients) {
    for (const { payload, answer } of client.requests("job.submit")) {
      const key = "idempotency_key" in payload ? String(payload.idempotency_key) : undefined;
      if (key === undefined) continue;
      const job = (await rig.store.idempotency.get("alice", key))?.job;
      if (answer?.type === "job.accepted") assert.equal(answer.job_id, job, `R-7.2-3: ${key}`);
      led.set(key, job);
    }
  }
  const found = new Set(led.values());
  for (const { id, keepUntil } of rows) {
    if (keepUntil !== undefined) assert.ok(found.has(id), `R-7.2-5: ${id} was made under a key`);
  }
}

function judgeOwner(client: CrashClient, row: JobRow, log: readonly LogRecord[]): void {
  const { id, agent, submittedIn } = row;
  const said = `${id} of ${agent}`;
  const { frames, meanings } = client;
  const accepted = frames.findIndex(({ type, job_id }) => type === "job.accepted" && job_id === id);
  assert.notEqual(accepted, -1, `R-10-2, R-6.3-8: the acceptance of ${said}`);
  const told = [...meanings.values()].filter((meaning) => meaning.startsWith(id));
  const seqs = told.map((meaning) => Number(meaning.split(" ")[1]));
  const all = log.map((_, i) => i + 1);
  // A session that watched it before gets the history again (R-7.2-8).
  if (submittedIn !== undefined) {
    const known = [...new Set(seqs)].sort((a, b) => a - b);
    return assert.deepEqual(known, all, `R-7.2-8: what the heir was told of ${said}`);
  }
  const first = frames.findIndex(({ event_seq, job_id }) => event_seq && job_id === id);
  assert.ok(accepted < first, `R-7.1-2: the acceptance of ${said} comes first`);
  // A repeated submit sends the end again (R-7.2-9).
  const end = seqs.indexOf(log.length);
  const once = seqs.filter((seq, i) => seq !== log.length || i === end);
  assert.deepEqual(once, all, `R-6.3-8: what the owner was told of ${said}`);
}

function judgeAnswers(client: CrashClient, rows: readonly JobRow[]): void {
  for (const { id, answer } of client.requests("job.submit")) {
    assert.ok(answer, `R-5.4-5: the submit ${id} has an answer`);
    if (answer.type !== "job.accepted") continue;
    const all = client.frames.filter(({ payload }) => payload.request_id === id);
    assert.equal(new Set(all.map(({ job_id }) => job_id)).size, 1, `R-5.4-8: answers to ${id}`);
    assert.ok(
      rows.some((row) => row.id === answer.job_id),
      `J2: ${answer.job_id} was accepted and is gone`,
    );
    const end = client.frames.some(({ type, job_id, event_seq }) => {
      return isEnd(type) && job_id === answer.job_id && event_seq !== undefined;
    });
    assert.ok(end, `R-7.3-3: the end of ${answer.job_id}`);
  }
  for (const { payload, answer } of client.requests("job.cancel")) {
    const { job_id } = payload as { job_id: string };
    if (answer?.type !== "job.cancelled" || answer.payload.current_status !== undefined) continue;
    const row = rows.find(({ id }) => id === job_id);
    assert.equal(row?.status, "cancelled", `R-7.4-2: ${job_id} was cancelled`);
  }
  for (const { payload, answer } of client.requests("job.subscribe")) {
    const { job_id } = payload as { job_id: string };
    if (answer?.type !== "job.subscribed") continue;
    const ends = client.frames.filter(
      ({ type, job_id: of, event_seq }) => isEnd(type) && of === job_id && event_seq !== undefined,
    );
    assert.ok(ends.length > 0, `R-7.6-3, R-6.3-14: the end of ${job_id} reaches who follows it`);
  }
}
