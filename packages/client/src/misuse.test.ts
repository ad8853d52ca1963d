import { expect, test } from "vitest";
import { ScriptedRuntime } from "../test/scripted-runtime.ts";
import { connect, retry } from "./index.ts";

const misuse = (message: string) => ({ code: "MISUSE", message });

test("a misspelt option is refused where it is given, and nothing is asked", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const asked: [Promise<unknown>, string][] = [
    [client.submit("echo", null, { budget: "1" } as object), "submit has no option budget"],
    [
      client.agent("echo").submit(null, { idempotencykey: "a" } as object),
      "submit has no option idempotencykey",
    ],
    [client.subscribe("job_1", { from: 1 } as object), "a subscription has no option from"],
    [client.job("job_1", { history: true } as object), "a subscription has no option history"],
    [client.jobs({ state: ["running"] } as object).next(), "the filter has no option state"],
    [retry(() => 1, { attempt: 3 } as object), "retry has no option attempt"],
  ];
  for (const [answer, message] of asked) {
    await expect(answer).rejects.toMatchObject(misuse(message));
  }
  expect(() => client.watch({ agents: "a" } as object)).toThrow("watch has no option agents");
  expect(() => client.watch({}, { interval: 5 } as object)).toThrow("watch has no option interval");
  await wire.barrier();
});

test.each([
  [{ requestTimeOut: 5 }, "connect has no option requestTimeOut"],
  [{ requestTimeout: -1 }, "requestTimeout must be a number above zero, not the number -1"],
  [{ requestTimeout: "30" }, "requestTimeout must be a number above zero, not the string 30"],
  [
    { handshakeTimeout: Number.NaN },
    "handshakeTimeout must be a number above zero, not the number NaN",
  ],
  [{ maxResultBytes: null }, "maxResultBytes must be a number above zero, not the object null"],
  [{ token: null }, "token must be a text, or a function that gives it"],
  [{ eventBuffer: 0 }, "eventBuffer must be a number above zero, not the number 0"],
])(
  "options with which nobody could connect are refused before anything is dialled: %o",
  async (options, message) => {
    const dial = () => expect.unreachable();
    await expect(connect(dial, options as object)).rejects.toMatchObject(misuse(message));
  },
);
