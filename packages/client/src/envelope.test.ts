import { catalogue, type Dial, type Envelope } from "@arcp/core";
import { beforeEach, expect, test } from "vitest";
import { expectNoUnhandledRejections } from "../test/no-unhandled-rejections.ts";
import {
  accepted,
  type Connection,
  event,
  FEATURES,
  frame,
  ScriptedRuntime,
  SESSION,
  subscribed,
} from "../test/scripted-runtime.ts";
import { type Client, connect } from "./index.ts";

const AGREED = ["heartbeat", "ack", ...FEATURES];
/** Without the mark of our own runtime, so that the client speaks as it does to other SDKs. */
const FOREIGN = ["heartbeat", "ack", "subscribe", "list_jobs"];

let runtime: ScriptedRuntime;
/** Every message that the client sends, on whichever connection. */
let said: Envelope[];
beforeEach(() => {
  runtime = new ScriptedRuntime();
  said = [];
});
expectNoUnhandledRejections();

const dial: Dial = async (signal) => {
  const transport = await runtime.dial(signal);
  return {
    frames: transport.frames,
    send: (frames) => {
      said.push(...frames.map((text) => JSON.parse(text)));
      return transport.send(frames);
    },
    close: (reason) => transport.close(reason),
  };
};

/** Has the client say everything that it ever says on one connection, but for its opening and its goodbye. */
async function talk(client: Client, wire: Connection): Promise<void> {
  const submitting = client.submit("echo", 1, { idempotencyKey: "k" });
  wire.send(accepted(await wire.next("job.submit")), event(1));
  const job = await submitting;
  await wire.barrier();
  runtime.clock.advance(250);
  await wire.next("session.ack");
  const cancelling = job.cancel();
  const cancel = await wire.next("job.cancel");
  wire.send(frame("job.cancelled", { request_id: cancel.id, job_id: job.id }, { job: job.id }));
  await cancelling;
  const watching = client.subscribe("job_2");
  wire.send(subscribed(await wire.next("job.subscribe"), {}, "job_2"));
  (await watching).unsubscribe();
  await wire.next("job.unsubscribe");
  const listing = client.jobs().next();
  const { id: request_id } = await wire.next("session.list_jobs");
  wire.send(frame("session.jobs", { request_id, jobs: [], next_cursor: null }));
  await listing;
  client.retryNow();
  await wire.next("session.ping");
}

test.each([
  ["our own runtime", AGREED, ["session.resume"]],
  ["another one", FOREIGN, ["session.bye"]],
])(
  "R-5.1-1, R-5.1-3, R-5.1-4, R-5.1-6: whatever a client says to %s, its envelope is complete",
  async (_, features, special) => {
    const connecting = connect(dial, { token: "secret", clock: runtime.clock });
    const wire = await runtime.accept();
    await wire.next("session.hello");
    await wire.barrier();
    wire.welcome("rt_1", features);
    const client = await connecting;
    await talk(client, wire);

    wire.pair.sever();
    await runtime.pass(client);
    const again = await runtime.accept();
    await again.anything();
    again.welcome("rt_2", features);
    // The notice may have been lost with the connection, so it comes again, as another message.
    await again.next("job.unsubscribe");
    await again.next("session.ack");
    await again.barrier();
    const closing = client.close();
    await again.next("session.close");
    runtime.clock.advance(1_000);
    await closing;

    const types = Object.entries(catalogue).filter(([, { direction }]) => direction !== "runtime");
    const expected = types
      .map(([type]) => type)
      .filter((type) => !["session.resume", "session.bye"].includes(type));
    expect(new Set(said.map(({ type }) => type))).toEqual(new Set([...expected, ...special]));
    const beforeWelcome = said.findIndex(({ type }) => type === "session.pong");
    for (const [n, envelope] of said.entries()) {
      const { arcp, id, type, session_id, job_id, event_seq } = envelope;
      expect(arcp, type).toBe("1.1");
      expect(id, type).toMatch(/^req_.+/);
      expect(event_seq, type).toBe(undefined);
      const isOpening = type === "session.hello" || type === "session.resume";
      expect(session_id, type).toBe(isOpening || n === beforeWelcome ? undefined : SESSION);
      const isOfJob = type.startsWith("job.") && type !== "job.submit";
      expect(job_id !== undefined, type).toBe(isOfJob);
    }
    expect(new Set(said.map(({ id }) => id)).size).toBe(said.length);
    // The flat form of a resume has no name for the session (R-6.3-1).
    const hellos = said.filter(({ type }) => type === "session.hello");
    for (const { payload } of hellos) expect(payload).not.toHaveProperty("session_id");
  },
);
