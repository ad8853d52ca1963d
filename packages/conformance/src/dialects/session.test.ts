import { describe, expect, test } from "vitest";
import type { Way } from "../../test/line.ts";
import { type Frame, played, SdkClient, TRACE } from "../../test/sdk-client.ts";
import { Stage, settled, tokens } from "../../test/stage.ts";
import type { SdkName } from "../kit/sdk-form.ts";

const sdks: readonly SdkName[] = ["typescript", "java", "go", "csharp"];
const ways: readonly Way[] = ["memory on memory", "ws on sqlite", "stdio on memory"];
const walks = sdks.flatMap((sdk) => ways.map((way) => ({ sdk, way })));

const isEnd = ({ type }: Frame): boolean => type === "job.result" || type === "job.error";

describe.each(walks)("the client of $sdk over $way", ({ sdk, way }) => {
  test("R-D-1, R-6.2-7: hello, submit, event, result, list, close: frame by frame", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.dial(stage, sdk);
    await client.hello();
    const welcome = await client.next();
    expect(welcome).toMatchObject({
      arcp: "1.1",
      type: "session.welcome",
      session_id: expect.any(String),
      payload: {
        resume_token: expect.any(String),
        resume_window_sec: 600,
        capabilities: { encodings: ["json"], agents: [{ name: "puppet", versions: [] }] },
      },
    });
    const request = await client.submit("puppet", {}, TRACE);
    const accepted = await client.next();
    const job_id: string = accepted["job_id"];
    expect(accepted).toMatchObject({
      type: "job.accepted",
      session_id: client.session,
      trace_id: TRACE,
      payload: { request_id: request, job_id, agent: "puppet", lease: {}, trace_id: TRACE },
    });
    const puppet = await stage.puppets.next();
    await puppet.ctx.thought("out loud");
    puppet.finish({ pages: 3 });
    const stream = [await client.next(), await client.next(), await client.next()];
    expect(stream).toMatchObject([
      { type: "job.event", event_seq: 1, job_id, payload: { kind: "status" } },
      { type: "job.event", event_seq: 2, payload: { kind: "thought", body: { text: "out loud" } } },
      {
        type: "job.result",
        event_seq: 3,
        payload: { final_status: "success", result: { pages: 3 } },
      },
    ]);
    const list = await client.send("session.list_jobs", { limit: 10 });
    const page = await client.next();
    expect(page).toMatchObject({ type: "session.jobs", payload: { request_id: list } });
    // All keys, even on the last page: the TypeScript client needs them.
    expect(page["payload"]).toMatchObject({
      jobs: [{ job_id, status: "success", lease: {}, parent_job_id: null, last_event_seq: 3 }],
      next_cursor: null,
    });
    await client.send("session.bye", { reason: "done" });
    expect(await client.closed).toBe("normal");
    expect(client.received).toHaveLength(6);
  });

  test("R-7.4-1, R-D-1: a cancel in its own form is acknowledged before the end", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, sdk);
    const { id, puppet } = await played(stage, client);
    puppet.ctx.signal.addEventListener("abort", () => puppet.finish());
    const request = await client.about("job.cancel", id, { reason: "wrong folder" });
    const cancelled = await client.next();
    expect(cancelled).toMatchObject({
      type: "job.cancelled",
      job_id: id,
      payload: { request_id: request, job_id: id, reason: "wrong folder" },
    });
    expect(cancelled).not.toHaveProperty("event_seq");
    expect(await client.next()).toMatchObject({
      type: "job.error",
      job_id: id,
      event_seq: 2,
      payload: { code: "CANCELLED", final_status: "cancelled" },
    });
  });

  test("R-7.6-3, R-D-1: a subscription with history is acknowledged, replayed, and followed to the end", async () => {
    await using stage = await Stage.open(way);
    const owner = await SdkClient.greeted(stage, sdk);
    const { id, puppet } = await played(stage, owner);
    const watcher = await SdkClient.greeted(stage, sdk, { token: tokens.alice2 });
    const request = await watcher.about("job.subscribe", id, { history: true });
    expect(await watcher.next()).toMatchObject({
      type: "job.subscribed",
      job_id: id,
      payload: { request_id: request, job_id: id, current_status: "running", replayed: true },
    });
    expect(await watcher.next()).toMatchObject({ event_seq: 1, payload: { kind: "status" } });
    puppet.finish(1);
    expect(await watcher.next()).toMatchObject({ type: "job.result", event_seq: 2, job_id: id });
  });

  test("R-6.3-1, R-6.3-8: a resume in its own form repeats what was missed, and no acceptance", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, sdk);
    const { id, puppet } = await played(stage, client);
    // Of this one it has seen only the acceptance.
    const { puppet: unseen } = await played(stage, client);
    const place = { ...client.place, after: 1 };
    await client.leave();
    await puppet.ctx.thought("missed");
    await puppet.ctx.flush();
    await settled();
    const back = await SdkClient.greeted(stage, sdk, { resume: place });
    expect(back.session).toBe(place.session);
    expect(back.token).not.toBe(place.token);
    puppet.finish();
    unseen.finish();
    const seqs: number[] = [];
    for (let ends = 0; ends < 2; ) {
      const frame = await back.next();
      seqs.push(frame["event_seq"]);
      if (isEnd(frame)) ends += 1;
    }
    expect(seqs).toEqual(seqs.map((_, index) => index + 2));
    expect(back.received.map(({ type }) => type)).not.toContain("job.accepted");
    expect(back.received.some(({ job_id }) => job_id === id)).toBe(true);
  });

  test("R-6.7-6: a shutdown is announced in its own terms", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, sdk);
    await stage.runtime.close();
    const bye = sdk === "typescript" || sdk === "csharp";
    expect(await client.next()).toEqual({
      arcp: "1.1",
      id: expect.any(String),
      type: bye ? "session.bye" : "session.closed",
      session_id: client.session,
      payload: { reason: "the runtime shuts down" },
    });
    expect(await client.closed).toBe("going-away");
  });

  test("R-6.7-1, R-D-3: a close in the draft's form is answered", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, sdk);
    const request = await client.send("session.close", { reason: "done" });
    expect(await client.next()).toMatchObject({
      type: "session.closed",
      payload: { request_id: request, reason: "done" },
    });
    expect(await client.closed).toBe("normal");
  });

  test("R-9.5-1: an offset of zero is accepted from SDKs that write it, and from no other client", async () => {
    await using stage = await Stage.open(way);
    const client = await SdkClient.greeted(stage, sdk);
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const constraints = { expires_at: expires_at.replace("Z", "+00:00") };
    const request = await client.submit("puppet", { lease_constraints: constraints });
    const answer = await client.next();
    if (sdk === "go" || sdk === "csharp") {
      expect(answer).toMatchObject({
        type: "job.accepted",
        payload: { request_id: request, lease_constraints: { expires_at } },
      });
      await client.submit("puppet", {
        lease_constraints: { expires_at: expires_at.replace("Z", "+02:00") },
      });
      const second = await client.skipTo(({ type }) => type !== "job.event");
      // To C# a job is live by then.
      expect(second["type"]).toBe(sdk === "go" ? "session.error" : "job.accepted");
    } else {
      expect(answer).toMatchObject({ type: "job.error", payload: { code: "INVALID_REQUEST" } });
      await client.submit("puppet", { lease_constraints: { expires_at } });
      await client.skipTo(({ type }) => type === "job.accepted");
    }
  });
});

/** The replies to submits, in the order in which they came: whether each was accepted. */
function answersOf(sdk: SdkName, frames: readonly Frame[], bad: ReadonlySet<string>): boolean[] {
  const failed = new Set(
    frames
      .filter(({ type, event_seq }) => type === "job.error" && event_seq === undefined)
      .map(({ job_id }) => job_id),
  );
  return frames.flatMap((frame) => {
    const { type, job_id, event_seq, payload, id } = frame;
    if (type === "job.accepted") return [!failed.has(job_id)];
    if (type === "job.error" && event_seq === undefined && sdk !== "csharp") {
      if (sdk === "java") expect(bad.has(id)).toBe(true);
      return [false];
    }
    if (type !== "session.error" || sdk === "java") return [];
    expect(bad.has(payload.request_id)).toBe(true);
    return [false];
  });
}

describe.each(sdks)("the client of %s", (sdk) => {
  test.each(["memory on memory", "ws on sqlite"] as const)(
    "R-5.4-5, R-D-4: over %s, 20 submits at once, half of them bad, each get their reply in order",
    async (way) => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, sdk);
      const good = Array.from({ length: 20 }, (_, i) => i % 2 === 1);
      const bad = new Set<string>();
      for (const [i, ok] of good.entries()) {
        // Some are refused by a verb, some are unreadable, some take time.
        if (ok) await client.submit("puppet", i % 4 === 1 ? { idempotency_key: `${i}` } : {});
        else if (i % 4 === 0) bad.add(await client.submit("nobody", {}));
        else bad.add(await client.send("job.submit", { input: i }, { trace_id: TRACE }));
      }
      await client.skipTo((frame) => frame["type"] === "job.event" && frame["event_seq"] === 10);
      await client.silence();
      expect(answersOf(sdk, client.received, bad)).toEqual(good);
      const accepted = client.received.filter(({ type }) => type === "job.accepted");
      const ids = accepted.map(({ job_id }) => job_id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(stage.puppets.started).toBe(10);
    },
  );

  test.each(["memory on memory", "ws on sqlite"] as const)(
    "R-D-4, R-7.2-4: over %s, DUPLICATE_KEY while the first job runs ends nothing",
    async (way) => {
      await using stage = await Stage.open(way);
      const client = await SdkClient.greeted(stage, sdk);
      const { id, puppet } = await played(stage, client, { idempotency_key: "k" });
      const request = await client.submit("puppet", { idempotency_key: "k", input: 1 }, TRACE);
      const first = await client.next();
      const error = sdk === "csharp" ? await client.next() : first;
      expect(error["payload"]).toMatchObject({ code: "DUPLICATE_KEY" });
      if (sdk === "java") {
        expect(first).toMatchObject({ type: "job.error", id: request });
        expect(await client.next()).toMatchObject({ type: "session.error" });
      }
      if (sdk === "go") expect(first["type"]).toBe("session.error");
      if (sdk === "typescript") expect(first).toMatchObject({ type: "job.error", trace_id: TRACE });
      expect(JSON.stringify([first, error])).not.toContain(id);
      puppet.finish("all the same");
      expect(await client.next()).toMatchObject({
        type: "job.result",
        job_id: id,
        event_seq: 2,
        payload: { result: "all the same" },
      });
    },
  );

  test("R-D-5, R-D-4: whatever is wrong with its requests, no error touches its running job", async () => {
    await using stage = await Stage.open("memory on memory");
    const client = await SdkClient.greeted(stage, sdk);
    const { id, puppet } = await played(stage, client);
    const requests: readonly [string, object, object?][] = [
      ["session.list_jobs", { limit: 0 }],
      ["session.list_jobs", { cursor: "xyz" }],
      ["session.list_jobs", { filter: { status: ["no-such"] } }],
      ["job.subscribe", { job_id: id, history: "yes" }],
      ["job.subscribe", { job_id: id, history: true, from_event_seq: 1, from_job_seq: 1 }],
      ["job.cancel", { job_id: id, reason: 5 }],
      ["job.cancel", { job_id: id }, { job_id: "job_other" }],
      ["job.cancel", { job_id: "job_other" }, { job_id: id }],
      ["job.cancel", {}],
      ["job.submit", { agent: 5 }],
      ["job.submit", { agent: "nobody" }],
      ["job.submit", { agent: "puppet", parent_job_id: "job_other" }],
      ["session.hello", {}],
      ["session.foo", {}],
      ["job.event", { kind: "thought", body: {} }, { job_id: id, event_seq: 1 }],
      ["session.ack", { last_processed_seq: -1 }],
      ["session.list_jobs", {}, { session_id: "sess_other" }],
      ["job.cancel", { job_id: id }, { job_id: id, session_id: "sess_other" }],
    ];
    for (const [type, payload, rest] of requests) await client.send(type, payload, rest);
    for (const text of ["{", "[]", "null", "{}"]) await client.sendRaw(text);
    await settled();
    await puppet.ctx.thought("alive");
    puppet.finish(1);
    const end = await client.skipTo((frame) => isEnd(frame) && frame["event_seq"] !== undefined);
    expect(end).toMatchObject({ type: "job.result", job_id: id, event_seq: 3 });
    for (const { type, job_id, event_seq, payload } of client.received.slice(2)) {
      if (sdk === "typescript" || sdk === "csharp") expect(type).not.toBe("session.error");
      if (type === "job.error") {
        expect(event_seq).toBeUndefined();
        expect([job_id, payload.job_id]).not.toContain(id);
      }
    }
  });

  test("R-6.2-11, R-12-5: a refused opening is answered with a session id, and the connection ends", async () => {
    await using stage = await Stage.open("ws on sqlite");
    const client = await SdkClient.dial(stage, sdk);
    const request = await client.hello({ token: "wrong" });
    const error = { code: "UNAUTHENTICATED", message: expect.any(String), retryable: false };
    if (sdk === "java") {
      expect(await client.next()).toEqual({
        arcp: "1.1",
        id: request,
        type: "job.error",
        session_id: expect.any(String),
        payload: { ...error, final_status: "error" },
      });
    }
    expect(await client.next()).toEqual({
      arcp: "1.1",
      id: expect.any(String),
      type: "session.error",
      session_id: expect.any(String),
      payload: { ...error, request_id: request },
    });
    expect(await client.closed).toBe("refused");
  });

  test("R-6.3-5, R-D-2: a refused resume and an unreadable opening are answered, too", async () => {
    await using stage = await Stage.open("memory on memory");
    const { place } = await SdkClient.greeted(stage, sdk);
    const late = await SdkClient.dial(stage, sdk);
    await late.hello({ resume: { ...place, token: "rt_wrong" } });
    expect((await late.next())["payload"].code).toBe("RESUME_WINDOW_EXPIRED");
    expect(await late.closed).toBe("refused");
    const garbled = await SdkClient.dial(stage, sdk);
    const request = await garbled.send("session.hello", { auth: 5 });
    const last = await garbled.skipTo(({ type }) => type === "session.error");
    expect(last["payload"]).toMatchObject({ code: "INVALID_REQUEST", request_id: request });
    expect(garbled.received).toHaveLength(sdk === "java" ? 2 : 1);
  });

  test("R-D-2: a client that resumes a session in another form is answered in that one", async () => {
    await using stage = await Stage.open("memory on memory");
    const other = sdks[(sdks.indexOf(sdk) + 1) % sdks.length] ?? "go";
    const client = await SdkClient.greeted(stage, sdk);
    const { puppet } = await played(stage, client);
    await client.leave();
    await puppet.ctx.progress({ current: 1.5, total: 3 });
    await puppet.ctx.metric({ name: "m", value: 1, dimensions: { a: "b" } });
    await puppet.ctx.flush();
    const back = await SdkClient.greeted(stage, other, { resume: client.place });
    const [progress, metric] = [await back.next(), await back.next()];
    expect(progress["payload"].body).toEqual({
      current: other === "typescript" ? 1.5 : 1,
      total: 3,
    });
    expect("dims" in metric["payload"].body).toBe(other === "typescript");
    await back.send("session.foo");
    if (other === "java") expect((await back.next())["type"]).toBe("job.error");
    if (other === "java" || other === "go")
      expect((await back.next())["type"]).toBe("session.error");
    await back.silence();
    // And back, numbered as before.
    const again = await SdkClient.greeted(stage, sdk, { resume: { ...back.place, after: 1 } });
    expect(await again.next()).toMatchObject({ event_seq: 2, id: progress["id"] });
    expect(await again.next()).toMatchObject({ event_seq: 3, id: metric["id"] });
  });
});
