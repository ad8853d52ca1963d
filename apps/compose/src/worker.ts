// The runtime, in a thread of its own, assembled from parts: its auth, policy, store and transport are those of this app.
import { parentPort, workerData } from "node:worker_threads";
import { createRuntime } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { pino } from "pino";
import { z } from "zod";
import { notes } from "./notes.ts";
import { servePorts } from "./port-transport.ts";
import { sealedStore } from "./sealed-store.ts";
import { signedTokens } from "./signed-tokens.ts";
import { teamPolicy } from "./team-policy.ts";

const Settings = z.object({ file: z.string(), secret: z.string(), key: z.instanceof(Uint8Array) });
const { file, secret, key } = Settings.parse(workerData);

const runtime = createRuntime({
  agents: [notes],
  auth: signedTokens(secret),
  policy: teamPolicy({
    alice: { team: "red", agents: ["notes"], credits: 100 },
    bob: { team: "red", agents: [], credits: 0 },
    carol: { team: "blue", agents: ["notes"], credits: 10 },
  }),
  store: sealedStore(sqliteStore(file), key),
  // The story shows whom it refuses.
  logger: pino({ enabled: false }),
});

if (parentPort === null) throw new Error("worker.ts runs as a worker: start src/main.ts");
servePorts(parentPort, (transport) => runtime.serve(transport, { address: "", loopback: true }));
