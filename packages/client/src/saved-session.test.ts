import { afterEach, beforeEach, expect, test } from "vitest";
import { Hosted, numbers, reachedNumber, upTo } from "../test/hosted.ts";
import {
  accepted,
  collect,
  event,
  FEATURES,
  HEARTBEAT_INTERVAL,
  reached,
  result,
  ScriptedRuntime,
  subscribed,
} from "../test/scripted-runtime.ts";
import type { SavedSession } from "./index.ts";

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => void unhandled.push(reason));
let house: Hosted;
beforeEach(() => {
  house = new Hosted();
});
afterEach(async () => {
  await house[Symbol.asyncDispose]();
  expect(unhandled.splice(0)).toEqual([]);
});

/** A store that a test can delay, or let fail. */
class Notebook {
  readonly pages: SavedSession[] = [];
  #gate: PromiseWithResolvers<void> | undefined;
  fault: Error | undefined;
  writing = 0;

  readonly persist = async (saved: SavedSession): Promise<void> => {
    this.writing += 1;
    expect(this.writing).toBe(1);
    const copy = JSON.parse(JSON.stringify(saved));
    await this.#gate?.promise;
    this.writing -= 1;
    if (this.fault !== undefined) throw this.fault;
    this.pages.push(copy);
  };

  get last(): SavedSession {
    const last = this.pages.at(-1);
    if (last === undefined) throw new Error("nothing was written");
    return last;
  }

  hold(): () => void {
    const gate = Promise.withResolvers<void>();
    this.#gate = gate;
    return () => {
      this.#gate = undefined;
      gate.resolve();
    };
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a process that dies abruptly is followed by one that gets the whole stream and may cancel", async () => {
  const notebook = new Notebook();
  const dying = new AbortController();
  const first = await house.connect({ persist: notebook.persist, signal: dying.signal });
  const job = await first.submit<number>("counting");
  expect(notebook.last.jobs).toEqual([job.id]);
  house.counting.upTo(100);
  await reachedNumber(job.events, 60);
  dying.abort();
  house.counting.upTo(150);
  const second = await house.connect({ restore: notebook.last, persist: notebook.persist });
  expect(second.session.id).toBe(first.session.id);
  const [id] = notebook.last.jobs;
  const reopened = await second.job<number>(id ?? "");
  house.counting.upTo(200);
  await reachedNumber(reopened.events, 200);
  const tail = await second.job(job.id, { fromJobSeq: 101 });
  await reopened.cancel("enough");
  await expect(reopened.result()).rejects.toMatchObject({ code: "CANCELLED" });
  expect(numbers(await collect(reopened.events))).toEqual(upTo(200));
  expect(numbers(await collect(tail.events))).toEqual(upTo(200).slice(100));
});

test("R-7.2-3: a process that submits its job again, by its key, gets the whole stream", async () => {
  const notebook = new Notebook();
  const dying = new AbortController();
  const options = { idempotencyKey: "k" };
  const first = await house.connect({ persist: notebook.persist, signal: dying.signal });
  const job = await first.submit<number>("counting", null, options);
  house.counting.upTo(10);
  await reachedNumber(job.events, 10);
  dying.abort();
  const saved = { ...notebook.last, position: 5 };
  const second = await house.connect({ restore: saved });
  const again = await second.submit<number>("counting", null, options);
  expect(again.id).toBe(job.id);
  house.counting.upTo(20);
  house.counting.end();
  expect(await again.result()).toBe(20);
  expect(numbers(await collect(again.events))).toEqual(upTo(20));
});

test("a job can be reopened in another session of its principal, and watched but not cancelled there", async () => {
  const first = await house.connect();
  const job = await first.submit<number>("counting");
  house.counting.upTo(3);
  const other = await house.connect();
  const reopened = await other.job<number>(job.id);
  await expect(reopened.cancel()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  house.counting.end();
  expect(await reopened.result()).toBe(3);
  expect(numbers(await collect(reopened.events))).toEqual(upTo(3));
  const late = await other.job<number>(job.id);
  expect(await late.result()).toBe(3);
  const stranger = await house.connect({ token: "other" });
  await expect(stranger.job(job.id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
});

test("an orderly handover detaches: the job runs on, and the next process goes on in the session", async () => {
  const first = await house.connect();
  const job = await first.submit<number>("counting");
  house.counting.upTo(10);
  await reachedNumber(job.events, 10);
  const saved: SavedSession = JSON.parse(JSON.stringify(await first.save()));
  expect(saved).toMatchObject({ version: 1, jobs: [job.id], session: { id: first.session.id } });
  expect(first.state).toMatchObject({ kind: "closed", error: { code: "CLOSED" } });
  await expect(job.result()).rejects.toMatchObject({ code: "CLOSED" });
  await expect(first.save()).rejects.toMatchObject({ code: "CLOSED" });
  const second = await house.connect({ restore: saved });
  expect(second.session.id).toBe(saved.session.id);
  const reopened = await second.job<number>(job.id);
  house.counting.end();
  expect(await reopened.result()).toBe(10);
  expect(numbers(await collect(reopened.events))).toEqual(upTo(10));
});

test("R-6.3-7: a token is stored before anything but signs of life is sent on its connection", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const letGo = notebook.hold();
  const connecting = script.connect({ persist: notebook.persist });
  const wire = await script.accept();
  await wire.next("session.hello");
  wire.welcome("rt_1");
  await turn();
  expect(notebook.writing).toBe(1);
  expect(notebook.pages).toEqual([]);
  letGo();
  const client = await connecting;
  expect(notebook.last).toMatchObject({ resumeToken: "rt_1", position: 0 });
  const submitting = client.submit("echo");
  await wire.next("job.submit");
  wire.pair.sever();
  await script.pass(client);
  const letGoAgain = notebook.hold();
  const second = await script.accept();
  expect((await second.next("session.resume")).payload.resume_token).toBe("rt_1");
  second.welcome("rt_2");
  await reached(client, "online");
  const submit = second.next("job.submit");
  expect(await Promise.race([submit, turn()])).toBeUndefined();
  letGoAgain();
  second.send(accepted(await submit));
  await submitting;
  expect(notebook.pages.at(-1)).toMatchObject({ resumeToken: "rt_2", jobs: ["job_1"] });
});

test("R-6.4-2: however long a session takes to be stored, pings are answered, also behind events", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const letGo = notebook.hold();
  const connecting = script.connect({ persist: notebook.persist });
  const wire = await script.accept();
  await wire.next("session.hello");
  wire.welcome("rt_1");
  await wire.barrier();
  expect(notebook.pages).toEqual([]);
  letGo();
  const client = await connecting;
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  wire.pair.sever();
  await reached(client, "retrying");
  const letGoAgain = notebook.hold();
  const { wire: second } = await script.resumed(client, "rt_2");
  second.send(event(1), result(2, "done"));
  await second.barrier();
  expect(notebook.last.resumeToken).toBe("rt_1");
  expect(await job.result()).toBe("done");
  letGoAgain();
});

test("a session is online before its events arrive, however long it takes to be stored", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const told: unknown[] = [];
  void (async () => {
    for await (const { kind } of client.states) told.push(kind);
  })();
  const events = (async () => {
    for await (const { seq } of job.events) told.push(seq);
  })();
  wire.pair.sever();
  await reached(client, "retrying");
  const letGo = notebook.hold();
  const { wire: second } = await script.resumed(client, "rt_2");
  second.send(event(1), result(2, "done"));
  await events;
  expect(told).toEqual(["online", "retrying", "connecting", "online", 1]);
  letGo();
});

test("R-6.3-7: a client that is closed while its session is being stored does not void the stored token", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  wire.pair.sever();
  await reached(client, "retrying");
  notebook.hold();
  const { wire: second } = await script.resumed(client, "rt_2");
  await reached(client, "online");
  await client.close("enough");
  await second.closed();
  expect(script.clock.pending).toBe(0);
});

test("R-6.3-7: a connection lost while its session is being stored is replaced at once, with the stored token", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  wire.pair.sever();
  await reached(client, "retrying");
  const letGo = notebook.hold();
  const { wire: second } = await script.resumed(client, "rt_2");
  await turn();
  second.pair.sever();
  const { wire: third, resume } = await script.resumed(client, "rt_3");
  expect(resume.payload.resume_token).toBe("rt_1");
  expect(notebook.last.resumeToken).toBe("rt_1");
  letGo();
  const submitting = client.submit("echo");
  third.send(accepted(await third.next("job.submit")));
  await submitting;
  expect(notebook.last.resumeToken).toBe("rt_3");
});

test("R-6.3-7: a token that a sign of life has confirmed is the one to present, stored or not", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  wire.pair.sever();
  await reached(client, "retrying");
  const letGo = notebook.hold();
  notebook.fault = new Error("the disk is full");
  const { wire: second } = await script.resumed(client, "rt_2");
  await second.barrier();
  letGo();
  await second.closed();
  notebook.fault = undefined;
  const { wire: third, resume } = await script.resumed(client, "rt_3");
  expect(resume.payload.resume_token).toBe("rt_2");
  await third.barrier();
  expect(notebook.last.resumeToken).toBe("rt_3");
});

test("a runtime that falls silent while the session is being stored is noticed", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const features = ["heartbeat", ...FEATURES];
  const options = { persist: notebook.persist, requestTimeout: 10 * HEARTBEAT_INTERVAL * 1000 };
  const { client, wire } = await script.online(options, features);
  wire.pair.sever();
  await script.pass(client);
  const letGo = notebook.hold();
  const second = await script.accept();
  await second.next("session.resume");
  second.welcome("rt_2", features);
  await turn();
  script.clock.advance(HEARTBEAT_INTERVAL * 1000);
  await second.next("session.ping");
  script.clock.advance(HEARTBEAT_INTERVAL * 1000);
  const { error } = await reached(client, "retrying");
  expect(error).toMatchObject({ code: "HEARTBEAT_LOST" });
  await second.closed();
  letGo();
});

test("R-6.5-6: a position is stored before it is acknowledged, and each write has the latest", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const features = ["ack", ...FEATURES];
  const { client, wire } = await script.online({ persist: notebook.persist }, features);
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  await submitting;
  const letGo = notebook.hold();
  wire.send(...Array.from({ length: 32 }, (_, i) => event(i + 1)));
  await wire.barrier();
  script.clock.advance(0);
  await turn();
  expect(notebook.writing).toBe(1);
  wire.send(...Array.from({ length: 40 }, (_, i) => event(i + 33)));
  await wire.barrier();
  script.clock.advance(0);
  letGo();
  expect((await wire.next("session.ack")).payload.last_processed_seq).toBe(32);
  expect(notebook.pages.some(({ position }) => position >= 32)).toBe(true);
  expect((await wire.next("session.ack")).payload.last_processed_seq).toBe(72);
  expect(notebook.last.position).toBe(72);
});

test("a session that cannot be stored is not used: connect rejects; later the connection is given up", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  notebook.fault = new Error("the disk is full");
  const connecting = script.connect({ persist: notebook.persist });
  const refused = await script.accept();
  await refused.next("session.hello");
  refused.welcome("rt_1");
  await expect(connecting).rejects.toMatchObject({ cause: notebook.fault });
  await refused.closed();

  notebook.fault = undefined;
  const features = ["ack", ...FEATURES];
  const { client, wire } = await script.online({ persist: notebook.persist }, features);
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  notebook.fault = new Error("the disk is full again");
  wire.send(event(1));
  await wire.barrier();
  script.clock.advance(250);
  const state = await reached(client, "retrying");
  expect(state.error).toMatchObject({ cause: notebook.fault });
  notebook.fault = undefined;
  const { wire: second, resume } = await script.resumed(client, "rt_2");
  expect(resume.payload.last_event_seq).toBe(1);
  second.send(result(2, "fine"));
  expect(await job.result()).toBe("fine");
});

test("R-6.3-7: a token that could not be stored is not presented, which would void the stored one", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  wire.pair.sever();
  notebook.fault = new Error("the disk is full");
  const { wire: unused } = await script.resumed(client, "rt_2");
  await unused.closed();
  await turn();
  notebook.fault = undefined;
  const { wire: third, resume } = await script.resumed(client, "rt_3");
  expect(resume.payload.resume_token).toBe("rt_1");
  await third.barrier();
  expect(notebook.last.resumeToken).toBe("rt_3");
  expect(notebook.pages.map(({ resumeToken }) => resumeToken)).not.toContain("rt_2");
});

test("a job that cannot be stored costs the connection, and is stored with the next one", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  const submitting = client.submit("echo");
  notebook.fault = new Error("the disk is full");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  const state = await reached(client, "retrying");
  expect(state.error).toMatchObject({ cause: notebook.fault });
  notebook.fault = undefined;
  const { wire: second } = await script.resumed(client, "rt_2");
  second.send(event(1));
  await second.barrier();
  expect(notebook.last).toMatchObject({ resumeToken: "rt_2", jobs: [job.id] });
});

test("after a handover nothing more is stored: the session belongs to another client", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const features = ["ack", ...FEATURES];
  const { client, wire } = await script.online({ persist: notebook.persist }, features);
  const watching = client.subscribe("job_1", { history: true });
  wire.send(subscribed(await wire.next("job.subscribe")));
  await watching;
  const letGo = notebook.hold();
  wire.send(...Array.from({ length: 64 }, (_, i) => event(i + 1)));
  await wire.barrier();
  script.clock.advance(0);
  await turn();
  expect(notebook.writing).toBe(1);
  const saving = client.save();
  let isSaved = false;
  void saving.then(() => {
    isSaved = true;
  });
  await turn();
  // A write in progress must not overwrite what the next process writes.
  expect(isSaved).toBe(false);
  letGo();
  expect(await saving).toMatchObject({ position: 64, jobs: ["job_1"], resumeToken: "rt_1" });
  const { length } = notebook.pages;
  await turn();
  script.clock.advance(10_000);
  await turn();
  expect(notebook.pages).toHaveLength(length);
  for (const { jobs } of notebook.pages.slice(1)) expect(jobs).toEqual(["job_1"]);
});

test("what was not saved by a client is refused with what would be right", async () => {
  const script = new ScriptedRuntime();
  for (const restore of [null, {}, { version: 2 }, { version: 1, session: {}, resumeToken: "t" }]) {
    const connecting = script.connect({ restore: restore as never });
    await expect(connecting).rejects.toMatchObject({
      code: "MISUSE",
      message: expect.stringContaining("persist or save()"),
    });
  }
  expect(script.dialled).toBe(0);
});

test("a store that never answers blocks no caller of a closed client", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  const submitting = client.submit("echo");
  notebook.hold();
  wire.send(accepted(await wire.next("job.submit")));
  await turn();
  const closing = client.close();
  await wire.next("session.close");
  wire.pair.runtime.close();
  await closing;
  expect((await submitting).id).toBe("job_1");
  await turn();
  // No timer is left that would keep the process alive.
  expect(script.clock.pending).toBe(0);
});

test("nor does it block a client that ends while it connects", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  notebook.hold();
  wire.pair.sever();
  const { wire: second } = await script.resumed(client, "rt_2");
  await turn();
  expect(notebook.writing).toBe(1);
  await client.close();
  await second.closed();
  await turn();
  expect(script.clock.pending).toBe(0);
});

test("a signal ends the wait for a job that is accepted and is still being stored", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  const stop = new AbortController();
  const submitting = client.submit("echo", null, { signal: stop.signal });
  const letGo = notebook.hold();
  wire.send(accepted(await wire.next("job.submit")));
  await wire.barrier();
  await turn();
  expect(notebook.writing).toBe(1);
  stop.abort(new Error("enough"));
  await expect(submitting).rejects.toThrow("enough");
  letGo();
  await wire.barrier();
  expect(notebook.last.jobs).toEqual(["job_1"]);
});

test("a job that was reattached and has ended is not handed on once more", async () => {
  const script = new ScriptedRuntime();
  const { client, wire } = await script.online();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  await submitting;
  const connecting = script.connect({ restore: await client.save() });
  const second = await script.accept();
  await second.next("session.resume");
  second.welcome("rt_2");
  const next = await connecting;
  const opening = next.job("job_1");
  second.send(subscribed(await second.next("job.subscribe")), result(1, "end"));
  expect(await (await opening).result()).toBe("end");
  expect((await next.save()).jobs).toEqual([]);
});

test("a store that never answers fails an attempt to connect in time, and says so", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const late = { code: "REQUEST_TIMEOUT", message: "persist did not settle within 20000 ms" };
  notebook.hold();
  const options = { persist: notebook.persist, requestTimeout: 20_000, handshakeTimeout: 1_000 };
  const connecting = script.connect(options);
  const wire = await script.accept();
  await wire.next("session.hello");
  wire.welcome();
  await turn();
  expect(notebook.writing).toBe(1);
  script.clock.advance(20_000);
  await expect(connecting).rejects.toMatchObject(late);
  await wire.closed();
  expect(script.clock.pending).toBe(0);
});

test("a store that stops answering costs connections, and blocks no submit", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const late = { code: "REQUEST_TIMEOUT", message: "persist did not settle within 30000 ms" };
  const { client, wire } = await script.online({ persist: notebook.persist });
  const letGo = notebook.hold();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  await wire.barrier();
  await turn();
  script.clock.advance(30_000);
  expect((await submitting).id).toBe("job_1");
  expect((await reached(client, "retrying")).error).toMatchObject(late);
  // Another write must not begin before the one that may still complete.
  const { wire: second } = await script.resumed(client, "rt_2");
  await turn();
  script.clock.advance(30_000);
  await second.closed();
  expect((await reached(client, "retrying")).error).toMatchObject(late);
  letGo();
  const { wire: third, resume } = await script.resumed(client, "rt_3");
  expect(resume.payload.resume_token).toBe("rt_1");
  await third.barrier();
  expect(notebook.last).toMatchObject({ resumeToken: "rt_3", jobs: ["job_1"] });
});

test("a handover waits for a store that never answers only until its timeout", async () => {
  const script = new ScriptedRuntime();
  const notebook = new Notebook();
  const { client, wire } = await script.online({ persist: notebook.persist });
  notebook.hold();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  await wire.barrier();
  await turn();
  const saving = client.save();
  await submitting;
  await turn();
  script.clock.advance(30_000);
  await expect(saving).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
  expect(client.state).toMatchObject({ kind: "closed", error: { code: "CLOSED" } });
});
