// Detect a connection that only seems to be alive, drop it, and continue over another one.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { ArcpError, type Dial } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const work = Promise.withResolvers<string>();
const wait = defineAgent({ name: "wait", run: () => work.promise });

// After a second of silence each side pings, and after two it gives the connection up. The default is 30.
const limits = { heartbeatIntervalSec: 1 };
const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [wait], auth, limits });
await using server = await listen({ port: 0 }, runtime.serve);

// A network that fails in the worst way: what the runtime sends gets lost, and nobody is told.
let dialled = 0;
let broken = 0;
const network: Dial = async (signal) => {
  const transport = await dial(server.url)(signal);
  const number = ++dialled;
  async function* frames() {
    for await (const frame of transport.frames) if (number !== broken) yield frame;
  }
  return {
    frames: frames(),
    send: (some) => transport.send(some),
    close: (reason) => transport.close(reason),
  };
};

await using client = await connect(network, { token: "a-token" });
const job = await client.submit("wait");
broken = 1;
work.resolve("all is well"); // the job ends while its client cannot hear it

for await (const state of client.states) {
  if (state.kind === "retrying") {
    console.log(`gave it up: ${state.error.message}`);
    assert(state.error instanceof ArcpError && state.error.code === "HEARTBEAT_LOST");
  }
  if (state.kind === "online" && dialled === 2) break;
}
// The session is the same, and what was sent meanwhile arrives now. The jobs notice none of this.
assert.equal(await job.result(), "all is well");
console.log(`over the next connection: ${await job.result()}`);

/* It prints:
gave it up: the runtime fell silent
over the next connection: all is well
*/
