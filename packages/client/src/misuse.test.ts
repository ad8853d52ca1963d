import { expect, test } from "vitest";
import { ScriptedRuntime } from "../test/scripted-runtime.ts";
import { connect } from "./index.ts";

const misuse = (message: string) => ({ code: "MISUSE", message });

test("a misspelt option is refused where it is given, and nothing is asked", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const asked: [Promise<unknown>, string][] = [
    [client.submit("echo", null, { budget: "1" } as object), "submit has no option budget"],
    [
      client.agent("echo").submit(null, { idempotencykey: "a" } as object),
      "submit has no option idempotencykey",
    ],
    [client.jobs({ state: ["running"] } as object).next(), "the filter has no option state"],
  ];
  for (const [answer, message] of asked) {
    await expect(answer).rejects.toMatchObject(misuse(message));
  }
  await wire.barrier();
});

test.each([
  [{ requestTimeOut: 5 }, "connect has no option requestTimeOut"],
  [{ requestTimeout: -1 }, "requestTimeout must be a number above zero"],
  [{ requestTimeout: "30" }, "requestTimeout must be a number above zero"],
  [{ handshakeTimeout: Number.NaN }, "handshakeTimeout must be a number above zero"],
  [{ maxResultBytes: null }, "maxResultBytes must be a number above zero"],
  [{ eventBuffer: 0 }, "eventBuffer must be a number above zero"],
])(
  "options with which nobody could connect are refused before anything is dialled: %o",
  async (options, message) => {
    const dial = () => expect.unreachable();
    await expect(connect(dial, options as object)).rejects.toMatchObject(misuse(message));
  },
);
