import {
  ArcpError,
  LocalError,
  linkedPair,
  REQUEST_ID_FEATURE,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import manifest from "../package.json" with { type: "json" };
import {
  accepted,
  frame,
  result,
  ScriptedRuntime,
  sessionError,
} from "../test/scripted-runtime.ts";
import { connect } from "./index.ts";

let runtime: ScriptedRuntime;
beforeEach(() => {
  runtime = new ScriptedRuntime();
});
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
process.on("unhandledRejection", note);
afterEach(() => expect(unhandled).toEqual([]));

test("an undefined option, as from an unset environment variable, takes its default", async () => {
  const unset: string | undefined = process.env["ARCP_THAT_NOBODY_SETS"];
  const connecting = connect(runtime.dial, {
    token: unset,
    client: undefined,
    features: undefined,
    requestTimeout: undefined,
    persist: undefined,
    signal: undefined,
  });
  const wire = await runtime.accept();
  const { payload } = await wire.next("session.hello");
  expect(payload.client?.name).toBe("@arcp/client");
  expect(payload.auth?.token).toBeUndefined();
  wire.welcome("rt_1");
  await (await connecting).close();
});

test("R-6.1-1 R-5.1-3: the hello authenticates, offers what the client understands, with an id of our own form", async () => {
  const connecting = runtime.connect({ client: { name: "ci", version: "3" } });
  const wire = await runtime.accept();
  const hello = await wire.next("session.hello");
  expect(hello.id).toMatch(/^req_/);
  expect(hello.arcp).toBe("1.1");
  expect(hello.session_id).toBeUndefined();
  expect(hello.payload).toEqual({
    client: { name: "ci", version: "3" },
    auth: { scheme: "bearer", token: "secret" },
    capabilities: {
      encodings: ["json"],
      features: [
        "heartbeat",
        "ack",
        "list_jobs",
        "subscribe",
        "agent_versions",
        "progress",
        "result_chunk",
        "lease_expires_at",
        "cost.budget",
        "model.use",
        "provisioned_credentials",
        REQUEST_ID_FEATURE,
      ],
    },
  });
  wire.welcome();
  const client = await connecting;
  expect(client.state).toEqual({ kind: "online" });
});

test("by default the client gives its package's name and version", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  const { name, version } = manifest;
  expect((await wire.next("session.hello")).payload.client).toEqual({ name, version });
  wire.welcome();
  await connecting;
});

test("R-6.2-3: the client computes the intersection itself", async () => {
  const connecting = runtime.connect({ features: ["subscribe", "progress", "x-vendor.a.b"] });
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.welcome("rt", ["heartbeat", "progress", "unheard-of"]);
  const client = await connecting;
  const { session } = client;
  expect(session.features).toEqual(["progress"]);
  expect(session.id).toBe("sess_1");
  expect(client.agents().map(({ name }) => name)).toEqual(["echo"]);
});

test("R-6.1-2: a wrong token rejects at once, without another attempt", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.send(sessionError("UNAUTHENTICATED"));
  await expect(connecting).rejects.toMatchObject({ name: "ArcpError", code: "UNAUTHENTICATED" });
  await wire.closed();
  expect(runtime.dialled).toBe(1);
  expect(runtime.clock.pending).toBe(0);
});

test("a refused connection rejects with its cause and is not tried again", async () => {
  runtime.refuse(new Error("ECONNREFUSED 127.0.0.1:7777"));
  const error = await runtime.connect().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LocalError);
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED" });
  expect((error as Error).message).toContain("ECONNREFUSED 127.0.0.1:7777");
  expect(runtime.dialled).toBe(1);
  expect(runtime.clock.pending).toBe(0);
});

test("a server that refuses the connection itself says why, at first or later; it does not count as a takeover", async () => {
  const refusal = new TransportClosedError("refused", { cause: new Error("HTTP 404") });
  runtime.refuse(refusal);
  await expect(runtime.connect()).rejects.toBe(refusal);
  runtime.refuse(undefined);
  const { client, wire } = await runtime.online();
  const waiting = client.submit("echo");
  await wire.next("job.submit");
  runtime.refuse(refusal);
  wire.pair.sever();
  await runtime.pass(client);
  await expect(waiting).rejects.toBe(refusal);
});

test("a connection that breaks before the welcome rejects", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.pair.sever();
  await expect(connecting).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
  expect(runtime.clock.pending).toBe(0);
});

test("a silent runtime runs into the handshake timeout", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  runtime.clock.advance(4_999);
  await wire.barrier();
  runtime.clock.advance(1);
  await expect(connecting).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
  await wire.closed();
  expect(runtime.clock.pending).toBe(0);
});

test("a late dial delivers a transport that is closed at once", async () => {
  const { connect } = await import("./index.ts");
  const late = Promise.withResolvers<Transport>();
  const connecting = connect(() => late.promise, { token: "secret", clock: runtime.clock });
  runtime.clock.advance(5_000);
  await expect(connecting).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
  const pair = linkedPair();
  late.resolve(pair.client);
  expect(await pair.runtime.frames[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
});

test("a peer that does not speak the protocol is reported as such at once", async () => {
  for (const garbage of ["hello?", "[]", '{"id":"1","type":"session.welcome","payload":{}}']) {
    const connecting = runtime.connect();
    const wire = await runtime.accept();
    await wire.next("session.hello");
    wire.send(garbage);
    await expect(connecting).rejects.toMatchObject({ code: "PROTOCOL_VIOLATION" });
  }
});

test("R-5.3-5: an unknown message before the welcome is ignored", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.send('{"arcp":"1.1","id":"m1","type":"x-vendor.acme.motd","payload":{}}');
  wire.welcome();
  expect((await connecting).state.kind).toBe("online");
});

test("an abort while dialling rejects with its reason, and one before prevents the dial", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const connecting = runtime.connect({ signal: controller.signal });
  const wire = await runtime.accept();
  await wire.next("session.hello");
  controller.abort(reason);
  await expect(connecting).rejects.toBe(reason);
  await wire.closed();
  await expect(runtime.connect({ signal: controller.signal })).rejects.toBe(reason);
  expect(runtime.dialled).toBe(1);
  expect(runtime.clock.pending).toBe(0);
});

test("an abort in the same turn as the welcome wins", async () => {
  const controller = new AbortController();
  const connecting = runtime.connect({ signal: controller.signal });
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.welcome();
  controller.abort(new Error("enough"));
  await expect(connecting).rejects.toThrow("enough");
  await wire.closed();
});

test("an abort at any moment around the welcome leaves nothing behind", async () => {
  for (let turns = 0; turns < 30; turns++) {
    const controller = new AbortController();
    const connecting = runtime.connect({ signal: controller.signal });
    const outcome = connecting.then(
      (client) => client.state.kind,
      () => "rejected",
    );
    const wire = await runtime.accept();
    await wire.next("session.hello");
    wire.welcome();
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    controller.abort(new Error("enough"));
    expect(await outcome).toMatch(/rejected|closed|online/);
    await wire.closed();
    expect(runtime.clock.pending).toBe(0);
    await expect(connecting.then((client) => client.submit("echo"))).rejects.toThrow("enough");
  }
});

test("a later abort ends the client and all pending calls, without a goodbye", async () => {
  const controller = new AbortController();
  const { client, wire } = await runtime.online({ signal: controller.signal });
  const submitting = client.submit("echo");
  await wire.next("job.submit");
  controller.abort(new Error("enough"));
  await expect(submitting).rejects.toThrow("enough");
  await wire.closed();
  expect(client.state).toMatchObject({ kind: "closed" });
  expect(runtime.clock.pending).toBe(0);
});

test("the token function is called for every connection; its failure rejects connect", async () => {
  let asked = 0;
  const { client, wire } = await runtime.online({ token: async () => `t${++asked}` });
  wire.pair.sever();
  const { resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload.auth).toEqual({ scheme: "bearer", token: "t2" });
  const failing = runtime.connect({
    token: () => {
      throw new Error("no token today");
    },
  });
  await expect(failing).rejects.toThrow("no token today");
});

test("R-6.4-2: a ping before the welcome is answered", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.send(frame("session.ping", { nonce: "n1" }));
  expect((await wire.next("session.pong")).payload.ping_nonce).toBe("n1");
  wire.welcome();
  await connecting;
});

test("R-12-3: an unknown code in a refusal is preserved", async () => {
  const connecting = runtime.connect();
  const wire = await runtime.accept();
  await wire.next("session.hello");
  wire.send(sessionError("MOON_PHASE"));
  const error = await connecting.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ArcpError);
  expect(error).toMatchObject({ code: "MOON_PHASE", retryable: false });
});

test("a closed client releases the caller's signal", async () => {
  const { signal } = new AbortController();
  const removed = vi.spyOn(signal, "removeEventListener");
  const added = vi.spyOn(signal, "addEventListener");
  const { client, wire } = await runtime.online({ signal });
  const closing = client.close();
  await wire.next("session.close");
  runtime.clock.advance(1_000);
  await closing;
  expect(added).toHaveBeenCalledOnce();
  expect(removed).toHaveBeenCalledWith("abort", added.mock.calls[0]?.[1]);
});

test("an undefined option counts as omitted", async () => {
  const unset = { clock: undefined, requestTimeout: undefined, handshakeTimeout: undefined };
  const bounds = { maxResultBytes: undefined, eventBuffer: undefined, features: undefined };
  // Most callers compile without exactOptionalPropertyTypes.
  const options = { ...unset, ...bounds, client: undefined, token: "secret" } as object;
  const connecting = connect(runtime.dial, options);
  const wire = await runtime.accept();
  expect((await wire.next("session.hello")).payload.client?.name).toBe(manifest.name);
  wire.welcome();
  const client = await connecting;
  const watch = client.watch({}, { every: undefined, overlap: undefined } as object);
  await watch.return?.();
  const submitting = client.submit("echo");
  wire.send(accepted(await wire.next("job.submit")));
  const job = await submitting;
  wire.send(result(1, "ok"));
  expect(await job.result()).toBe("ok");
  const closing = client.close();
  await wire.next("session.close");
  wire.pair.runtime.close("normal");
  await closing;
});

test("a value that is not a dial is refused with a hint at what to pass", async () => {
  const url = "ws://127.0.0.1:7777/arcp" as never;
  const misuse = { code: "MISUSE", message: expect.stringContaining("dial(url)") };
  await expect(connect(url)).rejects.toMatchObject(misuse);
});
