import { ManualClock, newMessageId, TRACE_CONTEXT } from "@arcp/core";
import type { Store } from "@arcp/runtime/store";
import { describe, expect, test } from "vitest";
import { durableWays } from "../../test/line.ts";
import { Puppets } from "../../test/puppets.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";
import type { Sent } from "../wire/sent.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";
import type { WireClient } from "../wire/wire-client.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const jobSeqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ job_seq }) => job_seq);
const list = async (wire: WireClient, query: Sent<"session.list_jobs"> = {}) =>
  (await wire.request("session.list_jobs", query)).payload;
const keyed = { agent: "puppet", input: { a: 1 }, idempotency_key: "k" };
/** As a listing shows them (R-6.6-4). */
const inOrder = (jobs: readonly Awaited<ReturnType<Stage["played"]>>[]): string[] =>
  jobs
    .map(({ accepted: { payload } }) => `${payload.accepted_at} ${payload.job_id}`)
    .sort()
    .map((place) => place.split(" ")[1] ?? "");
const without = ({ request_id: _, ...rest }: { request_id?: unknown }) => rest;
const interrupted = { code: "INTERNAL_ERROR", final_status: "error", retryable: true };

/** A process that from some moment on no longer learns that a job was stored, although it was. */
function deafened() {
  const ending = Promise.withResolvers<void>();
  let stored: PromiseWithResolvers<void> | undefined;
  return {
    leadStore: ({ jobs, ...store }: Store): Store => ({
      ...store,
      jobs: new Proxy(jobs, {
        get(target, name) {
          if (name !== "insert") return Reflect.get(target, name).bind(target);
          return async (row: Parameters<typeof jobs.insert>[0]) => {
            await target.insert(row);
            if (stored === undefined) return;
            stored.resolve();
            await ending.promise;
          };
        },
      }),
    }),
    /** Resolves when the next job is stored. */
    deafen(): Promise<void> {
      stored = Promise.withResolvers<void>();
      return stored.promise;
    },
    end: () => ending.resolve(),
  };
}

describe.each(durableWays)("over %s, through a crash of the runtime", (way) => {
  test("R-6.3-18 and R-7.4-2: an orphan that was cancelled is not run again, and one that was not is cancelled later", async () => {
    const clock = new ManualClock();
    const again = new Puppets({ name: "again", attempts: 2 });
    await using stage = await Stage.open(way, {
      clock,
      cancelOrphans: true,
      agents: [again.agent],
    });
    const [wire, other] = [await stage.greeted(), await stage.greeted()];
    const submitted = async (client: WireClient) => {
      const { payload } = await client.submit({ agent: "again" });
      return { id: payload.job_id, puppet: await again.next() };
    };
    const [cancelled, kept] = [await submitted(wire), await submitted(other)];
    clock.advance(10_000);
    const timers = clock.pending;
    await stage.drop(wire);
    await eventually(() => clock.pending > timers);
    clock.advance(600_000);
    await eventually(() => cancelled.puppet.ctx.signal.aborted);
    expect(kept.puppet.ctx.signal.aborted).toBe(false);
    await stage.restart();
    const next = await again.next();
    expect(next.ctx.job.id).toBe(kept.id);
    await settled();
    clock.advance(600_000);
    await eventually(() => next.ctx.signal.aborted);
    next.finish("too late");
    const late = await stage.greeted();
    for (const { id } of [cancelled, kept]) {
      await late.request("job.subscribe", { job_id: id });
      const end = (await late.until((e) => isTerminal(e) && e.job_id === id)).at(-1);
      const details = { reason: "session_ended" };
      expect(end?.payload).toMatchObject({ code: "CANCELLED", details });
    }
    expect(again.started).toBe(3);
  });

  test("R-7.3-10 and R-7.4-2: a running job ends as interrupted, one being cancelled as cancelled, a finished one stays", async () => {
    await using stage = await Stage.open(way);
    let wire = await stage.greeted();
    const [running, cancelled, finished] = [
      await stage.played(wire),
      await stage.played(wire),
      await stage.played(wire),
    ];
    finished.puppet.finish("done");
    await wire.until(isTerminal);
    const cancel = (id: string) => wire.request("job.cancel", { job_id: id, reason: "enough" });
    await cancel(cancelled.id);
    // The agent takes its time, and then none is left.
    expect(cancelled.puppet.ctx.signal.aborted).toBe(true);
    await stage.restart();
    wire = await stage.resumed(wire);
    const ends = [...(await wire.until(isTerminal)), ...(await wire.until(isTerminal))]
      .filter(isTerminal)
      .map(({ job_id, payload }) => [job_id, payload] as const);
    expect(Object.fromEntries(ends)).toMatchObject({
      [running.id]: interrupted,
      [cancelled.id]: { code: "CANCELLED", final_status: "cancelled", message: "enough" },
    });
    // Nothing is run again, and another restart adds nothing.
    await stage.restart();
    wire = await stage.resumed(wire);
    const statuses = (await list(wire)).jobs.map(({ job_id, status }) => [job_id, status]);
    expect(Object.fromEntries(statuses)).toEqual({
      [running.id]: "error",
      [cancelled.id]: "cancelled",
      [finished.id]: "success",
    });
    expect((await cancel(running.id)).payload.current_status).toBe("error");
    expect((await cancel(cancelled.id)).payload.current_status).toBe("cancelled");
    const next = await stage.played(wire);
    next.puppet.finish();
    expect((await wire.until(isTerminal)).map(({ job_id }) => job_id)).toEqual([next.id, next.id]);
    expect(stage.puppets.started).toBe(1);
  });

  test("R-6.6-5 and R-6.6-4: a cursor from before goes on where it was", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const jobs = [];
    for (let i = 0; i < 5; i++) jobs.push(await stage.played(wire));
    for (const { puppet } of jobs.filter((_, i) => i % 2 === 0)) {
      puppet.finish();
      await wire.until(isTerminal);
    }
    await settled();
    const ids = inOrder(jobs);
    const page = await list(wire, { limit: 2 });
    expect(page.jobs.map(({ job_id }) => job_id)).toEqual(ids.slice(0, 2));
    const cursor = page.next_cursor as string;
    await stage.restart();
    const [again, other] = [await stage.resumed(wire), await stage.greeted()];
    const { id } = await stage.played(again);
    const finished = new Set(jobs.filter((_, i) => i % 2 === 0).map((job) => job.id));
    for (const asking of [again, other]) {
      const rest = await list(asking, { cursor, limit: 2 });
      expect(rest.jobs.map(({ job_id }) => job_id)).toEqual(ids.slice(2, 4));
      const end = await list(asking, { cursor: rest.next_cursor as string });
      expect(end.jobs.map(({ job_id }) => job_id)).toEqual([...ids.slice(4), id]);
      expect(end.next_cursor).toBeNull();
    }
    const failed = await list(other, { cursor, filter: { status: ["error"] } });
    expect(failed.jobs.map(({ job_id }) => job_id)).toEqual(
      ids.slice(2).filter((listed) => !finished.has(listed)),
    );
    const bob = await stage.greeted({ token: tokens.bob });
    expect((await list(bob, { cursor })).jobs).toEqual([]);
  });

  test("R-6.6-7: an entry has the numbers of the submitting session, as before", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const [one, two] = [await stage.played(wire), await stage.played(wire)];
    await wire.until((e) => e.event_seq === 2);
    await one.puppet.ctx.thought("3");
    await wire.until((e) => e.event_seq === 3);
    two.puppet.finish();
    await wire.until(isTerminal);
    await stage.drop(wire);
    await stage.restart();
    const other = await stage.greeted();
    const numbers = async () =>
      Object.fromEntries(
        (await list(other)).jobs.map((job) => [job.job_id, [job.last_event_seq, job.last_job_seq]]),
      );
    // The end that the crash brought was not numbered yet.
    expect(await numbers()).toEqual({ [one.id]: [3, 3], [two.id]: [4, 2] });
    await (await stage.resumed(wire)).until(isTerminal);
    expect(await numbers()).toEqual({ [one.id]: [5, 3], [two.id]: [4, 2] });
  });

  test("R-7.2-3, R-7.2-5, R-7.2-8 and R-7.2-9: a key leads to its job, with the job's events, and to nobody else's", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet, accepted } = await stage.played(wire, keyed);
    await puppet.ctx.thought("a");
    await wire.until((e) => e.job_seq === 2);
    await stage.restart();
    const other = await stage.greeted({ token: tokens.alice2 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => other.submit(keyed)));
    for (const { payload } of answers) {
      expect(without(payload)).toEqual(without(accepted.payload));
    }
    const told = await other.until(isTerminal);
    expect(jobSeqs(told)).toEqual([1, 2, 3]);
    expect(told.at(-1)).toMatchObject({ job_id: id, payload: interrupted });
    await expect(other.submit({ ...keyed, input: { a: 2 } })).rejects.toMatchObject({
      payload: { code: "DUPLICATE_KEY" },
    });
    // Its own session resumes, and may ask again as well.
    const again = await stage.resumed(wire);
    expect(jobSeqs(await again.until(isTerminal))).toEqual([3]);
    expect(without((await again.submit(keyed)).payload)).toEqual(without(accepted.payload));
    expect(jobSeqs([await again.next()])).toEqual([3]);
    const bob = await stage.greeted({ token: tokens.bob });
    expect((await stage.played(bob, keyed)).id).not.toBe(id);
    expect(stage.puppets.started).toBe(1);
  });

  test("R-5.4-8 and R-6.3-8: a submit whose acceptance was lost makes one job, and gets its reply when repeated", async () => {
    const { leadStore, deafen, end } = deafened();
    await using stage = await Stage.open(way, { leadStore });
    const wire = await stage.greeted();
    const known = await stage.played(wire);
    await wire.next();
    const stored = deafen();
    const id = newMessageId("req_");
    await wire.send({ type: "job.submit", id, payload: { agent: "puppet" } });
    await stored;
    expect(wire.transcript.toString()).not.toContain(`"request_id":"${id}"`);
    await stage.restart({ leadStore: (store) => store });
    end();
    const again = await stage.resumed(wire);
    const accepted = await again.reply("job.submit", id);
    expect(accepted.payload.job_id).not.toBe(known.id);
    const repeated = await again.request("job.submit", { agent: "puppet" }, { id });
    expect(repeated.payload).toEqual(accepted.payload);
    const rest = [...(await again.until(isTerminal)), ...(await again.until(isTerminal))];
    const ends = rest.filter(isTerminal).map(({ job_id }) => job_id);
    expect(ends.sort()).toEqual([known.id, accepted.payload.job_id].sort());
    expect((await list(again)).jobs).toHaveLength(2);
    expect(stage.puppets.started).toBe(0);
  });

  // Only the process remembers what was refused.
  test("R-5.4-8: a rejection is repeated after the crash as well", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const id = newMessageId("req_");
    const attempt = (client: WireClient) =>
      client.request("job.submit", { agent: "later" }, { id });
    const refused = { payload: { code: "AGENT_NOT_AVAILABLE", request_id: id } };
    await expect(attempt(wire)).rejects.toMatchObject(refused);
    await stage.restart({ agents: [{ ...stage.puppets.agent, name: "later" }] });
    await expect(attempt(await stage.resumed(wire))).rejects.toMatchObject(refused);
    expect(stage.puppets.started).toBe(0);
  });

  test("R-6.7-2 and R-6.7-3: a session that was closed leaves its job running, and resumes after the crash with all of it", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    await wire.request("session.close", {});
    expect(await wire.closed).toBe("normal");
    for (const text of ["alone", "still alone"]) await puppet.ctx.thought(text);
    await puppet.ctx.flush();
    await stage.restart();
    const again = await stage.resumed(wire);
    const missed = await again.until(isTerminal);
    expect(missed.map(({ event_seq, job_seq }) => [event_seq, job_seq])).toEqual([
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(missed.at(-1)).toMatchObject({ job_id: id, payload: interrupted });
  });

  test("R-11-5: an attempt after a crash has the trace context of the one before", async () => {
    const again = () => new Puppets({ name: "again", attempts: 2 });
    const [before, after] = [again(), again()];
    await using stage = await Stage.open(way, { agents: [before.agent] });
    const wire = await stage.greeted();
    const traceId = "9f2c41d07be84a6392d5e8b1c03f7a64";
    const context = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: "acme=1" };
    const extensions = { [TRACE_CONTEXT]: context };
    await wire.send({ type: "job.submit", id: "req_1", payload: { agent: "again" }, extensions });
    await wire.reply("job.submit", "req_1");
    const first = await before.next();
    await first.ctx.flush();
    await stage.restart({ agents: [after.agent] });
    const { ctx } = await after.next();
    expect(ctx.attempt).toBe(2);
    expect(ctx.trace).toEqual({ traceId, ...context });
  });
});
