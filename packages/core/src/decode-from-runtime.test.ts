import { expect, test } from "vitest";
import { catalogue, type MessageType } from "./catalogue.ts";
import { decode } from "./codec.ts";
import { decodeFromRuntime } from "./decode-from-runtime.ts";

test.each(Object.keys(catalogue) as MessageType[])(
  "R-5.3-5: a client decodes %s like any peer, or as unknown if only clients send it",
  (type) => {
    const isForClients = catalogue[type].direction !== "client";
    for (const payload of [{}, { reason: "r", nonce: "n", ping_nonce: "n", job_id: "j" }, null]) {
      const frame = JSON.stringify({ id: "m", type, session_id: "s", payload });
      const read = decodeFromRuntime(frame);
      if (isForClients) expect(read).toEqual(decode(frame));
      else expect(read).toMatchObject({ kind: "unknown", header: { id: "m", type } });
    }
  },
);
