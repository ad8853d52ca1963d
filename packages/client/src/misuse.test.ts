import { expect, test } from "vitest";
import { ScriptedRuntime } from "../test/scripted-runtime.ts";
import { connect, retry } from "./index.ts";

const misuse = (message: string) => ({ code: "MISUSE", message });

test("a misspelt option is refused where it is passed, and nothing is sent", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const asked: [Promise<unknown>, string][] = [
    [client.submit("echo", null, { budget: "1" } as object), "submit has no option budget"],
    [
      client.agent("echo").submit(null, { idempotencykey: "a" } as object),
      "submit has no option idempotencykey",
    ],
    [client.jobs({ state: ["running"] } as object).next(), "the filter has no option state"],
    [client.subscribe("job_1", { History: true } as object), "subscribe has no option History"],
    [client.job("job_1", { after: 3 } as object), "job has no option after"],
    [retry(() => expect.unreachable(), { times: 3 } as object), "retry has no option times"],
  ];
  for (const [answer, message] of asked) {
    await expect(answer).rejects.toMatchObject(misuse(message));
  }
  for (const watch of [
    () => client.watch({ status: [] } as object),
    () => client.watch({}, { status: [] } as object),
  ]) {
    expect(watch).toThrow(expect.objectContaining(misuse("watch has no option status")));
  }
  const agent = () => client.agent("echo", { schema: {} } as object);
  expect(agent).toThrow(expect.objectContaining(misuse("agent has no option schema")));
  await wire.barrier();
});

test.each([-1, 1.5, "3", null, Number.POSITIVE_INFINITY])(
  "a history cannot start after %o, which is refused at the call",
  async (number) => {
    const { client, wire } = await new ScriptedRuntime().online();
    const given = { fromJobSeq: number as number };
    for (const asked of [client.subscribe("job_1", given), client.job("job_1", given)]) {
      const message = "fromJobSeq must be the number of an event of the job";
      await expect(asked).rejects.toMatchObject(misuse(message));
    }
    await wire.barrier();
  },
);

test.each([42, () => 42, async () => undefined])(
  "a token that is not text, and does not resolve to text, is refused before it is sent: %o",
  async (token) => {
    const runtime = new ScriptedRuntime();
    const connecting = runtime.connect({ token: token as unknown as string });
    const message = "the token must be a string, or a function that returns one";
    await expect(connecting).rejects.toMatchObject(misuse(message));
    await (await runtime.accept()).closed();
  },
);

test("every optional option may be undefined, as its type says", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const options = {
    lease: undefined,
    expiresAt: undefined,
    maxRuntimeSec: undefined,
    idempotencyKey: undefined,
    signal: undefined,
    traceContext: undefined,
  };
  void client.submit("echo", null, options);
  expect((await wire.next("job.submit")).payload).toEqual({ agent: "echo", input: null });
  void client.subscribe("j1", { history: undefined, fromJobSeq: undefined, signal: undefined });
  expect((await wire.next("job.subscribe")).payload).toEqual({ job_id: "j1", history: false });
  void client.jobs({ status: undefined, agent: undefined, createdAfter: undefined }).next();
  expect((await wire.next("session.list_jobs")).payload.filter).toEqual({});
  client.watch({ agent: undefined }, { every: undefined, overlap: undefined, signal: undefined });
  expect(await retry(() => 1, { attempts: undefined, clock: undefined })).toBe(1);
});

test.each([
  [{ requestTimeOut: 5 }, "connect has no option requestTimeOut"],
  [{ requestTimeout: -1 }, "requestTimeout must be a number above zero"],
  [{ requestTimeout: "30" }, "requestTimeout must be a number above zero"],
  [{ handshakeTimeout: Number.NaN }, "handshakeTimeout must be a number above zero"],
  [{ maxResultBytes: null }, "maxResultBytes must be a number above zero"],
  [{ eventBuffer: 0 }, "eventBuffer must be a number above zero"],
])(
  "options with which no client could connect are refused before anything is dialled: %o",
  async (options, message) => {
    const dial = () => expect.unreachable();
    await expect(connect(dial, options as object)).rejects.toMatchObject(misuse(message));
  },
);
