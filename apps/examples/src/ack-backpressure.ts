// Tell a client that it is too slow, once, and lose nothing of what it has still to read.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { connect } from "@arcp/client";
import type { Dial } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const start = Promise.withResolvers<void>();
const chatter = defineAgent({
  name: "chatter",
  async run(ctx) {
    await start.promise;
    // To await is all that an agent does about it: it waits for the log, and never for a reader.
    for (let line = 1; line <= 300; line++) await ctx.log.info(`line ${line}`);
  },
});

// The client acknowledges by itself, a few times a second, what it has got. The runtime counts what is open.
const limits = { backPressureThreshold: 200 }; // the default is 1,000
const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [chatter], auth, limits });
await using server = await listen({ port: 0 }, (transport, peer) => runtime.serve(transport, peer));

// A client that does not get to reading for a while.
let reading = Promise.resolve();
const slow: Dial = async (signal) => {
  const transport = await dial(server.url)(signal);
  async function* frames() {
    for await (const frame of transport.frames) {
      await reading;
      yield frame;
    }
  }
  return {
    frames: frames(),
    send: (some) => transport.send(some),
    close: (reason) => transport.close(reason),
  };
};
await using client = await connect(slow, { token: "a-token" });
const job = await client.submit("chatter");
const busy = Promise.withResolvers<void>();
reading = busy.promise;
start.resolve();
// Until, as its operator sees it, the runtime has sent nearly all. So little fits into the buffers on the way.
while ((runtime.sessions.get(client.session.id)?.lastEventSeq ?? 0) < 300) await setTimeout(1);
busy.resolve();

let lines = 0;
let notices = 0;
for await (const { kind, body } of job.events) {
  if (kind === "log") lines += 1;
  if (kind !== "status" || body.phase !== "back_pressure") continue;
  console.log(body.message);
  notices += 1;
}
assert.equal(notices, 1);
assert.equal(lines, 300); // nothing was dropped, and the agent never knew
console.log(`${lines} lines`);

/* It prints:
more than 200 events wait for an acknowledgement
300 lines
*/
