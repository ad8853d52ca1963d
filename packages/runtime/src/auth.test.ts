import { ArcpError, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { allowAnonymous, tokenTable } from "./auth.ts";

test("R-6.1-3: a token alone determines the principal", async () => {
  const whose = tokenTable({ "a-token": "alice", "b-token": "bob" });
  expect(await whose("a-token")).toBe("alice");
  expect(await whose("b-token")).toBe("bob");
  for (const token of ["", "alice", "a-toke", "a-token ", "A-TOKEN", "__proto__"]) {
    expect(await whose(token)).toBeUndefined();
  }
});

test("R-6.1-4: anonymous access has one principal, whatever the token", async () => {
  expect(await allowAnonymous()("anything")).toBe("anonymous");
  expect(await allowAnonymous("guest")("")).toBe("guest");
});

test("R-6.1-2: a missing, empty or unknown token or a foreign scheme is refused alike, then the connection closes", async () => {
  const { runtime } = hosting();
  const auths = [
    undefined,
    { scheme: "bearer", token: "" },
    { scheme: "bearer", token: "nobody's" },
    { scheme: "basic", token: "secret" },
  ];
  const answers: unknown[] = [];
  for (const auth of auths) {
    const viewer = new Viewer(runtime);
    viewer.send("session.hello", { client: { name: "t", version: "1" }, auth });
    const { type, payload, session_id } = await viewer.find(() => true);
    expect(session_id).toMatch(/^sess_/);
    answers.push({ type, payload: { ...payload, request_id: "" } });
    expect(await viewer.ended).toMatchObject({ reason: "refused" });
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]).toMatchObject({ type: "session.error", payload: { code: "UNAUTHENTICATED" } });
});

test.each([undefined, null, false, "", 0])(
  "R-6.1-2: a token for which a verifier returns %j is refused, and counts as a failed attempt",
  async (given) => {
    const { runtime } = hosting({
      auth: () => given as never,
      limits: { failedLoginsPerMinute: 1 },
    });
    const peer = { address: "192.0.2.1" };
    const refusals = [];
    for (let i = 0; i < 2; i++) {
      refusals.push((await new Viewer(runtime, { peer }).hello()).payload);
    }
    expect(refusals).toEqual([
      expect.objectContaining({ code: "UNAUTHENTICATED", retryable: false }),
      expect.objectContaining({ code: "UNAUTHENTICATED", retryable: true }),
    ]);
  },
);

test("R-6.1-6: a token is not checked if its connection's deadline passes while it queues", async () => {
  const verdicts: PromiseWithResolvers<string | undefined>[] = [];
  const clock = new ManualClock();
  const { runtime } = hosting({
    clock,
    auth: () => {
      verdicts.push(Promise.withResolvers());
      return verdicts.at(-1)?.promise;
    },
    limits: { failedLoginsPerMinute: 1 },
  });
  const peer = { address: "192.0.2.1" };
  const late = [new Viewer(runtime, { peer }), new Viewer(runtime, { peer })];
  const answers = late.map((viewer) => viewer.hello());
  await settled();
  clock.advance(10_000);
  for (const { payload } of await Promise.all(answers)) {
    expect(payload.message).toBe("the session was not open in time");
  }
  const inTime = new Viewer(runtime, { peer }).hello();
  await settled();
  expect(verdicts).toHaveLength(1);
  verdicts[0]?.resolve("alice");
  await settled();
  expect(verdicts).toHaveLength(2);
  verdicts[1]?.resolve("bob");
  expect((await inTime).type).toBe("session.welcome");
  await runtime.close();
  expect(verdicts).toHaveLength(2);
});

test.each([true, {}, 7])(
  "a verifier that returns %j instead of a name lets nobody in",
  async (given) => {
    const { runtime } = hosting({ auth: () => given as never });
    const { type, payload } = await new Viewer(runtime).hello();
    expect([type, payload.code]).toEqual(["session.error", "INTERNAL_ERROR"]);
  },
);

test.each([
  [
    "throws",
    () => {
      throw new Error("jwt expired");
    },
  ],
  ["rejects", () => Promise.reject(new Error("jwt expired"))],
])(
  "a verifier that %s is logged with what it must return for an invalid token",
  async (_, auth) => {
    const lines: { msg: string }[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line));
    const { runtime } = hosting({ auth, logger: pino({ level: "error" }, { write }) });
    await new Viewer(runtime).hello();
    const message = "auth threw: for an invalid token it has to return undefined: jwt expired";
    expect(lines).toMatchObject([{ msg: "a handshake failed", err: { message } }]);
  },
);

test("a verifier that fails refuses the connection and reveals nothing of its failure", async () => {
  const { runtime } = hosting({
    auth: () => Promise.reject(new Error("ldap://10.0.0.1 timed out")),
  });
  const viewer = new Viewer(runtime);
  const { payload } = await viewer.hello();
  expect(payload.code).toBe("INTERNAL_ERROR");
  expect(JSON.stringify(payload)).not.toContain("ldap");
  expect(await viewer.ended).toMatchObject({ reason: "fault" });
});

test.each([
  new ArcpError("LDAP_DOWN", "ldap://10.0.0.1"),
  new ArcpError("UNAUTHENTICATED", "ldap://10.0.0.1"),
  new ArcpError("INTERNAL_ERROR", "ldap://10.0.0.1", { details: { at: 1n } }),
])(
  "R-12-1, R-4.1-11: a verifier that fails with %s is still a fault of the runtime",
  async (error) => {
    const { runtime } = hosting({ auth: () => Promise.reject(error) });
    const viewer = new Viewer(runtime);
    const { payload } = await viewer.reply(
      viewer.send("session.hello", { auth: { scheme: "bearer", token: "t" } }),
    );
    expect(payload).toMatchObject({ code: "INTERNAL_ERROR", retryable: true });
    expect(JSON.stringify(payload)).not.toContain("ldap");
    expect(await viewer.ended).toMatchObject({ reason: "fault" });
  },
);

test.each([
  undefined,
  { scheme: "bearer" },
  { scheme: "bearer", token: "" },
  { scheme: "", token: "any" },
])("R-6.1-1, R-6.1-2: %j is refused even where any token is accepted", async (auth) => {
  const { runtime } = hosting({ auth: allowAnonymous() });
  const viewer = new Viewer(runtime);
  const { payload } = await viewer.reply(viewer.send("session.hello", { auth }));
  expect(payload.code).toBe("UNAUTHENTICATED");
  expect(await viewer.ended).toMatchObject({ reason: "refused" });
});
