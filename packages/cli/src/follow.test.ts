import type { ConnectionState, JobOutcome } from "@arcp/client";
import { LocalError } from "@arcp/core";
import { expect, test } from "vitest";
import type { CommandContext } from "./context.ts";
import { follow } from "./follow.ts";
import { Interrupts } from "./interrupts.ts";
import { surroundings } from "./surroundings.ts";
import type { View } from "./view/view.ts";

test("a connection lost after the end of the job is not shown below it", async () => {
  const gone = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  const retrying: ConnectionState = {
    kind: "retrying",
    in: 100,
    error: new LocalError("TRANSPORT_CLOSED", "the runtime shuts down"),
  };
  async function* states(): AsyncGenerator<ConnectionState> {
    yield { kind: "online" };
    await gone.promise;
    try {
      yield retrying;
    } finally {
      told.resolve();
    }
  }
  const shown: string[] = [];
  const view: View = {
    begin: () => {},
    event: () => {},
    connection: ({ kind }) => void shown.push(kind),
    keys: () => {},
    note: (text) => void shown.push(text),
    end: ({ status }) => void shown.push(status),
    [Symbol.dispose]: () => {},
  };
  const around = surroundings({});
  using interrupts = new Interrupts(around);
  const context: CommandContext = {
    ...around,
    interrupts,
    signal: interrupts.signal,
    exit: () => {},
  };
  const outcome: JobOutcome = { status: "success", result: 1, summary: undefined };
  const job = { events: (async function* () {})(), outcome: async () => outcome };
  await follow({ client: { states: states() }, job }, view, context);
  gone.resolve();
  await told.promise;
  expect(shown).toEqual(["success"]);
});
