import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  event,
  FEATURES,
  frame,
  HEARTBEAT_INTERVAL,
  reached,
  ScriptedRuntime,
} from "../test/scripted-runtime.ts";
import { onNetworkChange } from "./network-changes.ts";

/** The events of a page, as far as a network change shows in them. */
class Page {
  readonly window = new EventTarget();
  readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  listeners = 0;

  constructor() {
    for (const target of [this.window, this.document]) {
      const { addEventListener } = target;
      target.addEventListener = (type, listener, options) => {
        this.listeners += 1;
        const { signal } = options as { signal: AbortSignal };
        signal.addEventListener("abort", () => {
          this.listeners -= 1;
        });
        addEventListener.call(target, type, listener, options);
      };
    }
    vi.stubGlobal("addEventListener", this.window.addEventListener.bind(this.window));
    vi.stubGlobal("document", this.document);
  }

  online(): void {
    this.window.dispatchEvent(new Event("online"));
  }

  turned(visibilityState: "visible" | "hidden"): void {
    this.document.visibilityState = visibilityState;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
}

let page: Page;
beforeEach(() => {
  page = new Page();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const BEATING = ["heartbeat", ...FEATURES];

/** A client that has lost its connection, and waits longer than it would at first. */
async function retrying() {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, BEATING);
  runtime.refuse(new Error("offline"));
  wire.pair.sever();
  for (let failures = 0; failures < 5; failures += 1) {
    await runtime.pass(client);
    await reached(client, "connecting");
  }
  const state = await reached(client, "retrying");
  expect(state.in).toBeGreaterThan(1_000);
  return { runtime, client };
}

test("it reports when the platform is online again, and when the page becomes visible", () => {
  let told = 0;
  const stop = onNetworkChange(() => {
    told += 1;
  });
  page.online();
  expect(told).toBe(1);
  page.turned("hidden");
  expect(told).toBe(1);
  page.turned("visible");
  expect(told).toBe(2);
  stop();
  page.online();
  page.turned("visible");
  expect(told).toBe(2);
  expect(page.listeners).toBe(0);
});

test("a platform that reports nothing gets no listener, and stopping is harmless", () => {
  vi.unstubAllGlobals();
  onNetworkChange(() => expect.unreachable())();
});

test.each(["online", "visible"])("a waiting client dials at once when it is %s", async (what) => {
  const { runtime, client } = await retrying();
  runtime.refuse(undefined);
  if (what === "online") page.online();
  else page.turned("visible");
  const wire = await runtime.accept();
  await wire.next("session.resume");
  wire.welcome("rt_2", BEATING);
  await reached(client, "online");
});

test("a dial that fails just after the change is soon repeated", async () => {
  const { runtime, client } = await retrying();
  page.online();
  await reached(client, "connecting");
  const { in: ms } = await reached(client, "retrying");
  expect(ms).toBeLessThanOrEqual(200);
  runtime.refuse(undefined);
  runtime.clock.advance(ms);
  await runtime.accept();
});

test("a connection that looks alive is probed at once; one answer is enough", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, BEATING);
  page.online();
  page.turned("visible");
  const { payload } = await wire.next("session.ping");
  runtime.clock.advance(4_999);
  wire.send(frame("session.pong", { ping_nonce: payload.nonce }));
  await wire.barrier();
  runtime.clock.advance(HEARTBEAT_INTERVAL * 1_000 - 5_000);
  await wire.barrier();
  expect(client.state.kind).toBe("online");
  expect(runtime.dialled).toBe(1);
});

test("R-6.4-7: any other frame is an answer as well", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, BEATING);
  page.online();
  await wire.next("session.ping");
  wire.send(event(1));
  await wire.barrier();
  runtime.clock.advance(5_000);
  await wire.barrier();
  expect(client.state.kind).toBe("online");
});

test("a connection that did not survive the change is replaced within seconds, without a heartbeat loss", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, BEATING);
  page.online();
  await wire.next("session.ping");
  runtime.clock.advance(4_999);
  expect(client.state.kind).toBe("online");
  runtime.clock.advance(1);
  await wire.closed();
  const { error } = await reached(client, "retrying");
  expect(error).toMatchObject({ code: "TRANSPORT_CLOSED" });
  const { resume } = await runtime.resumed(client, "rt_2");
  expect(resume.payload.resume_token).toBe("rt_1");
});

test("a client that has ended no longer listens, and leaves no timer of a probe", async () => {
  const runtime = new ScriptedRuntime();
  const { client, wire } = await runtime.online({}, BEATING);
  page.online();
  await wire.next("session.ping");
  expect(page.listeners).toBe(2);
  void client.close();
  await wire.next("session.close");
  wire.send(frame("session.closed", {}));
  await client.close();
  expect(page.listeners).toBe(0);
  expect(runtime.clock.pending).toBe(0);
});

test("a failed first attempt leaves no listener", async () => {
  const runtime = new ScriptedRuntime();
  runtime.refuse(new Error("offline"));
  await expect(runtime.connect()).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
  expect(page.listeners).toBe(0);
});
