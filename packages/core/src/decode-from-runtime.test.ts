import { expect, test } from "vitest";
import { catalogue, type MessageType } from "./catalogue.ts";
import { decode } from "./codec.ts";
import { decodeFromRuntime } from "./decode-from-runtime.ts";

test.each(Object.keys(catalogue) as MessageType[])(
  "R-5.3-5: a client reads %s as everybody does, or knows nothing of what only clients send",
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
