import { type LinkedPair, LocalError, linkedPair, ManualClock, newMessageId } from "@arcp/core";
import { expect, test } from "vitest";
import { WireClient } from "./wire-client.ts";
import { WireRejection } from "./wire-rejection.ts";
import { WireViolation } from "./wire-violation.ts";

type Message = Readonly<Record<string, any>>;

const TRACE = "9f2c41d07be84a6392d5e8b1c03f7a64";
const TIME = "2026-11-02T08:15:30.250Z";
let tokens = 0;

/** The runtime's end, controlled by the test. */
class Peer {
  readonly link: LinkedPair = linkedPair();
  readonly #frames = this.link.runtime.frames[Symbol.asyncIterator]();

  async hear(): Promise<Message> {
    const { value } = await this.#frames.next();
    return JSON.parse(value);
  }

  say(type: string, rest: Message): void {
    const message = { arcp: "1.1", id: newMessageId(), type, session_id: "s1", ...rest };
    void this.link.runtime.send([JSON.stringify(message)]);
  }

  welcome(): void {
    const capabilities = { features: ["heartbeat"], agents: [] };
    const runtime = { name: "peer", version: "1" };
    const resume_token = `rt_${"0".repeat(20)}${tokens++}`;
    const payload = {
      runtime,
      resume_token,
      resume_window_sec: 600,
      heartbeat_interval_sec: 20,
      capabilities,
    };
    this.say("session.welcome", { payload });
  }

  accept(request: Message, job = "j1"): void {
    const payload = {
      request_id: request.id,
      job_id: job,
      agent: "echo",
      lease: {},
      accepted_at: TIME,
      trace_id: TRACE,
    };
    this.say("job.accepted", { job_id: job, trace_id: TRACE, payload });
  }

  event(seq: number, rest: Message = {}): void {
    const payload = { kind: "thought", ts: TIME, body: { text: `${seq}` } };
    this.say("job.event", {
      id: `e${seq}`,
      job_id: "j1",
      trace_id: TRACE,
      event_seq: seq,
      job_seq: seq,
      payload,
      ...rest,
    });
  }

  result(seq: number, rest: Message = {}): void {
    const payload = { final_status: "success", result: seq };
    this.say("job.result", {
      id: `e${seq}`,
      job_id: "j1",
      trace_id: TRACE,
      event_seq: seq,
      job_seq: seq,
      payload,
      ...rest,
    });
  }
}

/** A client after its hello and one submit. */
async function begun(options = {}): Promise<{ wire: WireClient; peer: Peer }> {
  const peer = new Peer();
  const wire = new WireClient(peer.link.client, options);
  const welcomed = wire.hello({ token: "t", features: ["heartbeat"] });
  await peer.hear();
  peer.welcome();
  await welcomed;
  const accepted = wire.submit({ agent: "echo", input: 1 });
  peer.accept(await peer.hear());
  await accepted;
  return { wire, peer };
}

/** Waits until everything that the peer has sent is there: a transport keeps the order. */
async function arrived(wire: WireClient, peer: Peer): Promise<void> {
  const nonce = newMessageId();
  peer.say("session.ping", { payload: { nonce, sent_at: TIME } });
  await wire.notice(
    (envelope) => envelope.type === "session.ping" && envelope.payload.nonce === nonce,
  );
}

test("a job from hello to result", async () => {
  const { wire, peer } = await begun();
  expect(wire.sessionId).toBe("s1");
  expect([...wire.features]).toEqual(["heartbeat"]);
  peer.event(1);
  peer.event(2);
  peer.result(3);
  const event = await wire.next((envelope) => envelope.type === "job.event");
  expect(event.payload.kind).toBe("thought");
  const rest = await wire.until((envelope) => envelope.type === "job.result");
  expect(rest.map(({ event_seq }) => event_seq)).toEqual([2, 3]);
  expect(wire.lastEventSeq).toBe(3);
  await wire.close();
  expect(await wire.closed).toBe("normal");
});

test("next leaves what does not fit for later", async () => {
  const { wire, peer } = await begun();
  peer.event(1);
  peer.result(2);
  expect((await wire.next((envelope) => envelope.type === "job.result")).event_seq).toBe(2);
  expect((await wire.next()).event_seq).toBe(1);
});

test("a refusal is thrown with the payload of session.error", async () => {
  const { wire, peer } = await begun();
  const refused = wire.submit({ agent: "nobody", input: null }).catch((error: unknown) => error);
  const { id } = await peer.hear();
  const payload = { request_id: id, code: "AGENT_NOT_AVAILABLE", message: "no", retryable: false };
  peer.say("session.error", { payload });
  const error = await refused;
  expect(error).toBeInstanceOf(WireRejection);
  expect((error as WireRejection).payload).toMatchObject(payload);
  await wire.close();
});

test("a reply is matched by its request_id, in whatever order replies come", async () => {
  const { wire, peer } = await begun();
  const first = wire.request("job.cancel", { job_id: "j1" }, { jobId: "j1", id: "c1" });
  const second = wire.request("job.cancel", { job_id: "j1" }, { jobId: "j1", id: "c2" });
  await Promise.all([peer.hear(), peer.hear()]);
  for (const request_id of ["c2", "c1"]) {
    peer.say("job.cancelled", { job_id: "j1", payload: { request_id, job_id: "j1" } });
  }
  expect((await first).payload.request_id).toBe("c1");
  expect((await second).payload.request_id).toBe("c2");
});

test("a violation ends the pending wait", async () => {
  const { wire, peer } = await begun();
  const waiting = wire.next((envelope) => envelope.type === "job.result");
  peer.event(2);
  await expect(waiting).rejects.toThrow(/R-8\.3-1, by the runtime: event_seq is 2 instead of 1/);
  await wire.close();
});

test("a wait for the very envelope that breaks a rule throws too, and the envelope can still be read", async () => {
  const { wire, peer } = await begun();
  const waiting = wire.next();
  peer.event(2);
  await expect(waiting).rejects.toBeInstanceOf(WireViolation);
  expect((await wire.next()).event_seq).toBe(2);
  await wire.close();
});

test("a violation while nobody waits is thrown by the next wait, once", async () => {
  const { wire, peer } = await begun();
  peer.event(2);
  peer.event(3);
  const read = wire.next((envelope) => envelope.event_seq === 3);
  await expect(read).rejects.toBeInstanceOf(WireViolation);
  expect((await wire.next()).event_seq).toBe(2);
  expect(wire.violations).toHaveLength(1);
});

test("a violation that was not thrown yet is thrown by close", async () => {
  const { wire, peer } = await begun();
  peer.event(1, { arcp: "1" });
  peer.link.runtime.close();
  await wire.closed;
  await expect(wire.close()).rejects.toThrow("R-5.1-1");
  await wire.close();
});

test("the client's own frames are checked too, unless they are faulty on purpose", async () => {
  const { wire, peer } = await begun();
  await wire.send({ type: "session.foo" }, { faulty: true });
  expect((await peer.hear()).type).toBe("session.foo");
  await wire.send("{", { faulty: true });
  expect(wire.violations).toEqual([]);
  await wire.send({ type: "session.foo" });
  await expect(wire.close()).rejects.toThrow("R-5.3-3, by the client");
});

test("a wait that takes too long says what was awaited and what came instead", async () => {
  const clock = new ManualClock();
  const { wire, peer } = await begun({ clock, timeoutMs: 1000 });
  peer.event(1);
  await wire.next();
  const failed = wire.next((envelope) => envelope.type === "job.result").catch((error) => error);
  clock.advance(1000);
  const error: LocalError = await failed;
  expect(error.code).toBe("REQUEST_TIMEOUT");
  expect(error.message).toContain("job.result");
  expect(error.message).toMatch(/<- .*"event_seq":1/);
});

test("until is bounded as a whole", async () => {
  const clock = new ManualClock();
  const { wire, peer } = await begun({ clock, timeoutMs: 1000 });
  const failed = wire.until((envelope) => envelope.type === "job.result").catch((error) => error);
  for (const seq of [1, 2]) {
    peer.event(seq);
    await arrived(wire, peer);
    clock.advance(600);
  }
  expect((await failed).code).toBe("REQUEST_TIMEOUT");
});

test("a broken connection ends the wait and keeps what is unread", async () => {
  const { wire, peer } = await begun();
  peer.event(1);
  await arrived(wire, peer);
  const failed = wire.next((envelope) => envelope.type === "job.result").catch((error) => error);
  peer.link.sever();
  expect(await wire.closed).toBe("broken");
  expect((await failed).code).toBe("TRANSPORT_CLOSED");
  expect((await wire.next()).event_seq).toBe(1);
  await expect(wire.next()).rejects.toThrow("the connection ended (broken)");
});

test("the peer's reason for closing is reported", async () => {
  const { wire, peer } = await begun();
  peer.link.runtime.close("refused");
  expect(await wire.closed).toBe("refused");
});

test("pings are answered, unless the test wants to do that", async () => {
  for (const answerPings of [true, false]) {
    const { wire, peer } = await begun({ answerPings });
    peer.say("session.ping", { payload: { nonce: "n", sent_at: TIME } });
    await wire.notice((envelope) => envelope.type === "session.ping");
    await wire.send({ type: "session.ack", payload: {} }, { faulty: true });
    expect((await peer.hear()).type).toBe(answerPings ? "session.pong" : "session.ack");
    await wire.close();
  }
});

test.each(["resume", "nested", "flat", "after-hello"] as const)(
  "the form %s resumes, and the sniffer knows the session so far",
  async (form) => {
    const { wire, peer } = await begun();
    peer.event(1);
    peer.event(2);
    await wire.until((envelope) => envelope.event_seq === 2);
    peer.link.sever();
    const again = new Peer();
    const resumed = wire.resume(again.link.client, { form, lastEventSeq: 1 });
    let request = await again.hear();
    if (form === "after-hello") {
      const payload = {
        runtime: { name: "peer", version: "1" },
        resume_token: "another-session-of-the-same",
        resume_window_sec: 600,
        heartbeat_interval_sec: 20,
        capabilities: { features: ["heartbeat"], agents: [] },
      };
      again.say("session.welcome", { session_id: "s2", payload });
      request = await again.hear();
    }
    const { payload } = request;
    const position = form === "nested" ? payload.resume : payload;
    expect(request.type).toBe(
      form === "nested" || form === "flat" ? "session.hello" : "session.resume",
    );
    expect(position).toMatchObject({
      resume_token: wire.welcome.payload.resume_token,
      last_event_seq: 1,
    });
    expect(position.session_id).toBe(form === "flat" ? undefined : "s1");
    expect(payload.auth?.token).toBe(form === "after-hello" ? undefined : "t");
    again.welcome();
    const second = await resumed;
    expect(second.welcome.payload.resume_token).not.toBe(wire.welcome.payload.resume_token);
    again.event(2, { id: "other" });
    await expect(second.next(({ event_seq }) => event_seq === 9)).rejects.toThrow("R-6.3-8");
    again.event(3);
    await second.next(({ event_seq }) => event_seq === 3);
    expect(second.lastEventSeq).toBe(3);
    await second.close();
  },
);

test("a refused resume is thrown", async () => {
  const { wire } = await begun();
  const again = new Peer();
  const resumed = wire.resume(again.link.client, { resumeToken: "wrong" });
  expect((await again.hear()).payload.resume_token).toBe("wrong");
  const payload = { code: "RESUME_WINDOW_EXPIRED", message: "gone", retryable: false };
  again.say("session.error", { session_id: undefined, payload });
  await expect(resumed).rejects.toThrow("RESUME_WINDOW_EXPIRED: gone");
});

test("a call that needs a welcome and comes before it says so", () => {
  const wire = new WireClient(linkedPair().client);
  expect(() => wire.sessionId).toThrow(LocalError);
  expect(() => wire.welcome).toThrow(LocalError);
});
