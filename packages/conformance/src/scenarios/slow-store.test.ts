import type { Store } from "@arcp/runtime/store";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled } from "../../test/stage.ts";
import type { StreamEnvelope } from "../wire/stream-envelope.ts";

const isTerminal = ({ type }: StreamEnvelope): boolean => type !== "job.event";
const seqs = (envelopes: readonly StreamEnvelope[]) => envelopes.map(({ event_seq }) => event_seq);

/** A store whose changes of sessions, or of the list of jobs, wait until the test releases them. */
function slowStore() {
  const held: { sessions?: PromiseWithResolvers<void>; jobs?: PromiseWithResolvers<void> } = {};
  let waiting = 0;
  const pass = async <T>(gate: "sessions" | "jobs", call: () => Promise<T>): Promise<T> => {
    if (held[gate] !== undefined) {
      waiting += 1;
      await held[gate].promise;
      waiting -= 1;
    }
    return call();
  };
  const slowed = <T extends object>(target: T, gate: "sessions" | "jobs", names: (keyof T)[]): T =>
    new Proxy(target, {
      get(object, name) {
        const member = Reflect.get(object, name);
        if (typeof member !== "function") return member;
        const call = member.bind(object);
        if (!names.includes(name as keyof T)) return call;
        return (...args: unknown[]) => pass(gate, () => call(...args));
      },
    });
  return {
    leadStore: (inner: Store): Store => ({
      ...inner,
      jobs: slowed(inner.jobs, "jobs", ["update"]),
      sessions: slowed(inner.sessions, "sessions", ["commit"]),
    }),
    waiting: () => waiting,
    hold: (gate: "sessions" | "jobs") => {
      held[gate] = Promise.withResolvers<void>();
    },
    release: (gate: "sessions" | "jobs") => {
      held[gate]?.resolve();
      delete held[gate];
    },
  };
}

describe.each(ways)("over %s", (way) => {
  test("R-7.1-2 and R-6.3-8: a job whose acceptance waited when the connection broke is announced, and runs", async () => {
    const slow = slowStore();
    await using stage = await Stage.open(way, { leadStore: slow.leadStore });
    const wire = await stage.greeted();
    const first = await stage.played(wire);
    await wire.next();
    // A second job breaks the run of the first, so its event needs a commit, which the reply has to wait for.
    const second = await stage.played(wire);
    await wire.next();
    slow.hold("sessions");
    await first.puppet.ctx.thought("numbered behind the commit");
    await eventually(() => slow.waiting() > 0);
    const message = { type: "job.submit", id: "req_third", payload: { agent: "puppet" } };
    await wire.send(message);
    await settled();
    expect(wire.transcript.toString()).not.toContain('"request_id":"req_third"');
    await stage.drop(wire);
    await settled();
    slow.release("sessions");
    const again = await stage.resumed(wire);
    const accepted = await again.reply("job.submit", "req_third");
    const third = await stage.puppets.next();
    for (const { puppet } of [first, second]) puppet.finish();
    third.finish("ran");
    const all: StreamEnvelope[] = [];
    for (let i = 0; i < 3; i++) all.push(...(await again.until(isTerminal)));
    expect(seqs(all)).toEqual(all.map((_, i) => 3 + i));
    expect(accepted.payload.job_id).toBe(third.ctx.job.id);
  });

  test("R-5.4-5: a malformed submit does not overtake the reply to an earlier one that waits for a commit", async () => {
    const slow = slowStore();
    await using stage = await Stage.open(way, { leadStore: slow.leadStore });
    const wire = await stage.greeted();
    const first = await stage.played(wire);
    await wire.next();
    await stage.played(wire);
    await wire.next();
    slow.hold("sessions");
    await first.puppet.ctx.thought("numbered behind the commit");
    await eventually(() => slow.waiting() > 0);
    await wire.send({ type: "job.submit", id: "req_3", payload: { agent: "puppet" } });
    await wire.send({ type: "job.submit", id: "req_4", payload: { agent: 5 } }, { faulty: true });
    await settled();
    slow.release("sessions");
    for (const id of ["req_3", "req_4"]) {
      expect((await wire.notice(() => true)).payload).toMatchObject({ request_id: id });
    }
  });

  test("R-8.3-2: nothing is sent whose number is not stored, and a takeover at that moment loses nothing", async () => {
    const slow = slowStore();
    await using stage = await Stage.open(way, { leadStore: slow.leadStore });
    const wire = await stage.greeted();
    const first = await stage.played(wire);
    await wire.next();
    const second = await stage.played(wire);
    await wire.next();
    slow.hold("sessions");
    await first.puppet.ctx.thought("a new run");
    await eventually(() => slow.waiting() > 0);
    await settled();
    expect(wire.transcript.toString()).not.toContain("a new run");
    const resuming = stage.resumed(wire, { lastEventSeq: 2 });
    await settled();
    slow.release("sessions");
    const again = await resuming;
    first.puppet.finish();
    second.puppet.finish();
    const all = [...(await again.until(isTerminal)), ...(await again.until(isTerminal))];
    expect(seqs(all)).toEqual([3, 4, 5]);
    expect(JSON.stringify(all)).toContain("a new run");
  });

  test("R-7.4-1: a cancel is not acknowledged before it is stored, and an end in between does not win", async () => {
    const slow = slowStore();
    await using stage = await Stage.open(way, { leadStore: slow.leadStore });
    const wire = await stage.greeted();
    const { id, puppet } = await stage.played(wire);
    await wire.next();
    await settled();
    slow.hold("jobs");
    await wire.send({ type: "job.cancel", id: "req_c", job_id: id, payload: { job_id: id } });
    await eventually(() => slow.waiting() > 0);
    puppet.finish("too late");
    await settled();
    expect(wire.transcript.toString()).not.toContain("job.cancelled");
    expect(wire.transcript.toString()).not.toContain("job.result");
    slow.release("jobs");
    const reply = await wire.reply("job.cancel", "req_c");
    expect(reply.payload.current_status).toBeUndefined();
    expect(await wire.next()).toMatchObject({ type: "job.error", payload: { code: "CANCELLED" } });
  });
});
