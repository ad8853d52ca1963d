import { type CloseReason, ManualClock } from "@arcp/core";
import { createRuntime, defineAgent } from "@arcp/runtime";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { eventually, Stage, settled, tokens } from "../../test/stage.ts";

const hello = (payload: object, rest: object = {}) =>
  JSON.stringify({ arcp: "1.1", id: "req_open", type: "session.hello", payload, ...rest });
const auth = { scheme: "bearer", token: tokens.alice };
const client = { name: "test", version: "1" };

/** Sends an opening that no good client would. @returns the refusal; the connection has then ended */
async function refusal(stage: Stage, frame: string, reason: CloseReason = "refused") {
  const wire = await stage.wire();
  await wire.send(frame, { faulty: true });
  const error = await wire.notice((envelope) => envelope.type === "session.error");
  expect(await wire.closed).toBe(reason);
  expect(wire.transcript.toString()).not.toContain("session.welcome");
  return error as Extract<typeof error, { type: "session.error" }>;
}

describe.each(ways)("over %s", (way) => {
  test("R-6.2-1 and R-6.2-7: the first reply is a welcome with the runtime, the window and a sorted inventory", async () => {
    const run = () => null;
    const agents = [
      defineAgent({ name: "zeta", version: "2.0.0", run }),
      defineAgent({ name: "zeta", version: "1.0.0", run }),
      defineAgent({ name: "alpha", run }),
    ];
    const limits = { resumeWindowSec: 77 };
    await using stage = await Stage.open(way, { agents, limits, name: "acme", version: "1.2.3" });
    stage.runtime.agents.setDefault("zeta", "1.0.0");
    const wire = await stage.wire();
    const welcome = await wire.hello({ token: tokens.alice });
    expect(welcome.payload.runtime).toMatchObject({ name: "acme", version: "1.2.3" });
    expect(welcome.payload.resume_window_sec).toBe(77);
    expect(welcome.payload.capabilities.encodings).toEqual(["json"]);
    expect(welcome.payload.capabilities.agents).toEqual([
      { name: "alpha", versions: [] },
      { name: "puppet", versions: [] },
      { name: "zeta", versions: ["2.0.0", "1.0.0"], default: "1.0.0" },
    ]);
  });

  test("R-6.1-2: every failure to authenticate is refused alike, and the connection is closed", async () => {
    await using stage = await Stage.open(way);
    const wrong: object[] = [
      { client },
      { client, auth: null },
      { client, auth: {} },
      { client, auth: { scheme: "bearer" } },
      { client, auth: { scheme: "bearer", token: "" } },
      { client, auth: { scheme: "bearer", token: null } },
      { client, auth: { scheme: "bearer", token: `${tokens.alice} ` } },
      { client, auth: { scheme: "basic", token: tokens.alice } },
      { client, auth: { token: tokens.alice } },
    ];
    const said = new Set<string>();
    for (const payload of wrong) {
      const error = await refusal(stage, hello(payload));
      expect(error.payload.code, JSON.stringify(payload)).toBe("UNAUTHENTICATED");
      said.add(error.payload.message);
    }
    expect(said.size).toBe(1);
  });

  test("R-6.1-2 and R-5.3-2: what follows a refused opening on the same connection does nothing", async () => {
    await using stage = await Stage.open(way);
    const { transport } = await stage.line();
    const submit = { arcp: "1.1", id: "req_2", type: "job.submit", payload: { agent: "puppet" } };
    await transport.send([
      hello({ client, auth: { scheme: "bearer", token: "stolen" } }),
      hello({ client, auth }, { id: "req_1" }),
      JSON.stringify(submit),
    ]);
    const frames: string[] = [];
    try {
      for await (const frame of transport.frames) frames.push(frame);
    } catch {
      // How it ends is checked above.
    }
    expect(frames).toHaveLength(1);
    expect(frames[0]).toContain("UNAUTHENTICATED");
    await settled();
    expect(stage.puppets.started).toBe(0);
  });

  test("R-6.1-5: neither bearer nor resume tokens appear in logs or in refusals", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted();
    await stage.drop(wire);
    const again = await stage.resumed(wire);
    const refused = await refusal(
      stage,
      hello({ client, auth: { scheme: "bearer", token: "very-secret" } }),
    );
    const seen = stage.logged.join("\n") + JSON.stringify(refused);
    const { resume_token } = wire.welcome.payload;
    const secrets = [tokens.alice, "very-secret", resume_token, again.welcome.payload.resume_token];
    for (const secret of secrets) expect(seen).not.toContain(secret);
    expect(stage.logged.length).toBeGreaterThan(0);
  });

  test("R-6.2-11: an error before the welcome carries a session id, whatever was wrong", async () => {
    await using stage = await Stage.open(way);
    const wrong = [
      "{",
      hello({ client }),
      hello({ client, auth: "x" }),
      hello({ client, auth }, { arcp: "2.0" }),
    ];
    for (const frame of wrong) {
      const error = await refusal(stage, frame);
      expect(error.session_id, frame).toMatch(/^sess_/);
    }
  });

  test("R-4.1-8: an opening request above 64 KiB is refused, one below is not", async () => {
    await using stage = await Stage.open(way);
    const name = "n".repeat(64 * 1024);
    const error = await refusal(stage, hello({ client: { ...client, name }, auth }), "too-big");
    expect(error.payload.code).toBe("INVALID_REQUEST");
    const wire = await stage.wire();
    await wire.hello({ token: tokens.alice, client: { ...client, name: "n".repeat(60_000) } });
  });

  test("R-4.1-8: a client that is silent for ten seconds is disconnected, and one with a session is not", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const greeted = await stage.greeted();
    const silent = await stage.wire();
    // Proves that by now the runtime has accepted the silent one.
    await stage.greeted();
    clock.advance(9_999);
    await settled();
    expect(silent.transcript.toString()).toBe("");
    clock.advance(1);
    const error = await silent.notice((envelope) => envelope.type === "session.error");
    expect(error.payload).toMatchObject({ code: "INVALID_REQUEST" });
    expect(await silent.closed).toBe("refused");
    await greeted.send({ type: "job.submit", payload: { agent: "puppet" } });
    await greeted.notice((envelope) => envelope.type === "job.accepted");
  });

  test("R-4.1-8: the deadline also ends a handshake whose token check hangs, which then opens nothing", async () => {
    const clock = new ManualClock();
    const check = Promise.withResolvers<string>();
    let asked = false;
    const auth = () => {
      asked = true;
      return check.promise;
    };
    await using stage = await Stage.open(way, { clock, auth });
    const wire = await stage.wire();
    const greeting = wire.hello({ token: "slow" });
    await eventually(() => asked);
    clock.advance(10_000);
    // It is not the client that is late.
    await expect(greeting).rejects.toMatchObject({ error: { code: "INTERNAL_ERROR" } });
    expect(await wire.closed).toBe("fault");
    check.resolve("alice");
    await settled();
    expect(wire.transcript.toString()).not.toContain("session.welcome");
  });

  test("R-6.2-10: no two welcomes have the same token, and each has 128 bits at least", async () => {
    await using stage = await Stage.open(way);
    const seen = new Set<string>();
    let wire = await stage.greeted();
    for (let i = 0; i < 50; i++) {
      seen.add(wire.welcome.payload.resume_token);
      wire = i % 2 === 0 ? await stage.resumed(wire) : await stage.greeted();
    }
    expect(seen.size).toBe(50);
    // A hexadecimal digit has four bits.
    for (const token of seen) expect(token).toMatch(/^rt_[0-9a-f]{32,}$/);
  });

  test("R-6.2-4: a restriction whose feature was not agreed on is refused, never dropped", async () => {
    await using stage = await Stage.open(way);
    const wire = await stage.greeted({ features: [] });
    const submits: [feature: string, payload: object][] = [
      ["cost.budget", { lease_request: { "cost.budget": ["EUR:1"] } }],
      ["cost.budget", { lease_request: { "cost.budget": [] } }],
      ["model.use", { lease_request: { "model.use": ["m/*"] } }],
      ["lease_expires_at", { lease_constraints: { expires_at: "2099-01-01T00:00:00Z" } }],
      ["agent_versions", { agent: "puppet@1.0.0" }],
    ];
    for (const [index, [feature, payload]] of submits.entries()) {
      const id = `req_${index}`;
      const message = { type: "job.submit", id, payload: { agent: "puppet", ...payload } };
      await wire.send(message, { faulty: true });
      const error = await wire.notice((envelope) => envelope.type === "session.error");
      const expected = { code: "INVALID_REQUEST", request_id: id, details: { feature } };
      expect(error.payload).toMatchObject(expected);
    }
    const other = { type: "job.subscribe", id: "req_s", job_id: "job_1", payload: {} };
    await wire.send(other, { faulty: true });
    const error = await wire.notice((envelope) => envelope.type === "session.error");
    expect(error.payload).toMatchObject({ request_id: "req_s", details: { feature: "subscribe" } });
    await settled();
    expect(stage.puppets.started).toBe(0);
  });
});

test("R-6.1-4: a runtime without a way to authenticate is not made", () => {
  expect(() => createRuntime({ agents: [] } as never)).toThrow(/auth/);
});
