import { connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import { expect, test } from "vitest";
import { ALICE, BOB, house } from "../../test/raw-house.ts";
import { type Message, RawSocket } from "../../test/raw-socket.ts";
import { recorder } from "../../test/stage.ts";

/* The token of an `Authorization` header, which stands in for a token that the opening message lacks. */

const bearing = (token: string) => ({ authorization: `Bearer ${token}` });

/** Opens with any payload. @returns the reply */
async function opening(raw: RawSocket, payload: object, type = "session.hello"): Promise<Message> {
  raw.send(type, payload);
  return raw.find((message) => /^session\.(welcome|error)$/.test(message["type"]));
}

const refused = { type: "session.error", payload: { code: "UNAUTHENTICATED" } };

test("R-6.1-1, R-6.1-3: a hello without a token takes its principal from the Authorization header", async () => {
  await using home = await house();
  for (const auth of [{}, { auth: null }]) {
    const raw = await RawSocket.open(home.url, bearing(BOB));
    const { session_id } = await opening(raw, { ...auth, client: { name: "a", version: "1" } });
    expect(home.runtime.sessions.get(session_id)?.principal).toBe("bob");
  }
  const bare = await RawSocket.open(home.url);
  expect(await opening(bare, {})).toMatchObject(refused);
});

test("R-6.1-2: a token in the hello decides, right or wrong, whatever the header says", async () => {
  await using home = await house();
  const both = await RawSocket.open(home.url, bearing(BOB));
  const { session_id } = await both.hello(ALICE);
  expect(home.runtime.sessions.get(session_id)?.principal).toBe("alice");
  // A gateway's own token is no reason to refuse.
  const gateway = await RawSocket.open(home.url, bearing("for-a-gateway"));
  expect(await gateway.hello(ALICE)).toHaveProperty("type", "session.welcome");
  const wrong = [
    { scheme: "bearer", token: "wrong" },
    { scheme: "bearer", token: "" },
    { scheme: "basic", token: ALICE },
    {},
  ];
  for (const auth of wrong) {
    const raw = await RawSocket.open(home.url, bearing(ALICE));
    expect(await opening(raw, { auth })).toMatchObject(refused);
    expect(await raw.closed).toBe(1008);
  }
});

test("R-6.1-1: our client needs no token if its connection carries one", async () => {
  await using home = await house();
  await using client = await connect(dial(home.url, { headers: bearing(BOB) }), {});
  expect(home.runtime.sessions.get(client.session.id)?.principal).toBe("bob");
});

test("R-6.3-2: a resume without a token is authenticated by the header, and by its owner's alone", async () => {
  await using home = await house();
  const first = await RawSocket.open(home.url, bearing(ALICE));
  const { session_id, payload } = await opening(first, {});
  const position = { resume_token: payload.resume_token, last_event_seq: 0 };
  const stranger = await RawSocket.open(home.url, bearing(BOB));
  expect(await opening(stranger, position, "session.resume")).toMatchObject({
    payload: { code: "RESUME_WINDOW_EXPIRED" },
  });
  const again = await RawSocket.open(home.url, bearing(ALICE));
  const welcome = await opening(again, position, "session.resume");
  expect(welcome).toMatchObject({ type: "session.welcome", session_id });
});

test("R-6.3-2: where a resume token alone suffices, a header still has to be right", async () => {
  await using home = await house({ resumeByTokenAlone: true });
  const first = await RawSocket.open(home.url, bearing(ALICE));
  const { session_id, payload } = await opening(first, {});
  const position = { resume_token: payload.resume_token, last_event_seq: 0 };
  const wrong = await RawSocket.open(home.url, bearing("revoked"));
  expect(await opening(wrong, position, "session.resume")).toMatchObject(refused);
  const stranger = await RawSocket.open(home.url, bearing(BOB));
  expect(await opening(stranger, position, "session.resume")).toMatchObject({
    payload: { code: "RESUME_WINDOW_EXPIRED" },
  });
  // A hello needs a bearer token, even one that resumes (R-6.1-1).
  for (const hello of [position, { resume: position }]) {
    expect(await opening(await RawSocket.open(home.url), hello)).toMatchObject(refused);
  }
  const alone = await RawSocket.open(home.url);
  const welcome = await opening(alone, position, "session.resume");
  expect(welcome).toMatchObject({ type: "session.welcome", session_id });
  expect(await first.closed).toBe(1008);
});

test("R-6.1-6, R-6.3-2: a resume token that is not valid any more bars nobody, and where tokens are barred, none of these is tried", async () => {
  await using home = await house({
    limits: { failedLoginsPerMinute: 2 },
    resumeByTokenAlone: true,
  });
  const { payload } = await opening(await RawSocket.open(home.url, bearing(ALICE)), {});
  home.from("192.0.2.1");
  const resuming = async (resume_token: string): Promise<Message> =>
    opening(await RawSocket.open(home.url), { resume_token }, "session.resume");
  for (const old of ["a", "b", "c"]) {
    expect(await resuming(old)).toMatchObject({ payload: { code: "RESUME_WINDOW_EXPIRED" } });
  }
  const welcome = await resuming(payload.resume_token);
  expect(welcome).toMatchObject({ type: "session.welcome" });
  for (const guess of ["nobody's", "revoked"]) {
    expect(await opening(await RawSocket.open(home.url, bearing(guess)), {})).toMatchObject(
      refused,
    );
  }
  const details = { reason: "failed_logins_per_minute" };
  expect(await resuming(welcome.payload.resume_token)).toMatchObject({
    payload: { ...refused.payload, details },
  });
});

test("R-6.3-2: our client continues a saved session without a bearer token, and opens no other one", async () => {
  await using home = await house({ resumeByTokenAlone: true });
  const first = await connect(dial(home.url), { token: ALICE });
  const job = await first.submit("puppet");
  const saved = await first.save();
  await using next = await connect(dial(home.url), { restore: saved });
  expect(next.session.id).toBe(first.session.id);
  const handed = await next.job(job.id);
  (await home.puppets.next()).finish("done");
  expect(await handed.result()).toBe("done");
  await home.runtime.sessions.end(next.session.id);
  await expect(connect(dial(home.url), { restore: saved })).rejects.toMatchObject(refused.payload);
});

test("R-6.1-6: wrong tokens in headers count like all others, and beyond the limit nobody checks them", async () => {
  const heard: string[] = [];
  await using home = await house({
    limits: { failedLoginsPerMinute: 2 },
    auth: (token) => {
      heard.push(token);
      return token === ALICE ? "alice" : undefined;
    },
  });
  home.from("192.0.2.1");
  const guess = async (token: string): Promise<Message> => {
    const raw = await RawSocket.open(home.url, bearing(token));
    const answer = await opening(raw, {});
    expect(await raw.closed).toBe(1008);
    return answer;
  };
  for (const token of ["a", "b"]) expect(await guess(token)).toMatchObject(refused);
  const details = { reason: "failed_logins_per_minute" };
  expect(await guess(ALICE)).toMatchObject({ payload: { ...refused.payload, details } });
  expect(heard).toEqual(["a", "b"]);
});

test("R-6.1-5: the header's token is in no log and in no reply, whether right or wrong", async () => {
  const logged: string[] = [];
  await using home = await house({ logger: recorder(logged) });
  const right = await RawSocket.open(home.url, bearing(ALICE));
  await opening(right, {});
  const wrong = await RawSocket.open(home.url, bearing("wrong-token"));
  await opening(wrong, {});
  await wrong.closed;
  await right.leave();
  expect(logged.join()).toContain("UNAUTHENTICATED");
  const told = JSON.stringify([logged, right.received, wrong.received]);
  expect(told).not.toContain(ALICE);
  expect(told).not.toContain("wrong-token");
});
