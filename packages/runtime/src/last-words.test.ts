import type { Transport } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { tokenTable } from "./auth.ts";
import { createRuntime } from "./runtime.ts";

test("a peer that sends its last word and ends its side still gets the answer", async () => {
  const runtime = createRuntime({
    agents: [],
    auth: tokenTable({ secret: "alice" }),
    logger: pino({ level: "silent" }),
  });
  const sent: string[] = [];
  const welcomed = Promise.withResolvers<void>();
  const frame = (type: string, payload: object) =>
    JSON.stringify({ arcp: "1.1", id: `req_${type}`, type, payload });
  const transport: Transport = {
    frames: (async function* () {
      yield frame("session.hello", {
        auth: { scheme: "bearer", token: "secret" },
        capabilities: { features: ["heartbeat"] },
      });
      await welcomed.promise;
      yield frame("session.ping", { nonce: "1", sent_at: new Date().toISOString() });
    })(),
    async send(frames) {
      sent.push(...frames);
      welcomed.resolve();
    },
    close() {},
  };
  runtime.serve(transport);
  await settled();
  await settled();
  expect(sent.map((text) => JSON.parse(text).type)).toEqual(["session.welcome", "session.pong"]);
  await runtime.close();
});
