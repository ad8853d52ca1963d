// Tell a client once that it is too slow, without losing any event it has yet to read.
import assert from "node:assert/strict";
import { connect, type Job } from "@arcp/client";
import { ManualClock } from "@arcp/core";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";
import { z } from "zod";

const chatter = defineAgent({
  name: "chatter",
  input: z.object({ lines: z.int() }),
  async run(ctx, { lines }) {
    // The agent only awaits: it waits for the log of its job, and never for a reader.
    for (let line = 1; line <= lines; line++) await ctx.log.info(`line ${line}`);
  },
});

// How many events a client may leave without an acknowledgement. The default is 1,000.
const limits = { backPressureThreshold: 200 };
const auth = tokenTable({ "a-token": "alice" });
await using runtime = createRuntime({ agents: [chatter], auth, limits });
await using server = await listen({ port: 0 }, runtime.serve);

// A client acknowledges by itself, every 250 ms or 32 events. With its clock standing still, this one does not.
const clock = new ManualClock();
await using client = await connect(dial(server.url), { token: "a-token", clock });

async function read(job: Job) {
  let lines = 0;
  let notices = 0;
  for await (const { kind, body } of job.events) {
    if (kind === "log") lines += 1;
    if (kind === "status" && body.phase === "back_pressure") {
      console.log(body.message);
      notices += 1;
    }
  }
  return { lines, notices };
}

const long = await read(await client.submit("chatter", { lines: 900 }));
assert.deepEqual(long, { lines: 900, notices: 1 }); // told once; nothing was dropped
console.log(`${long.lines} lines`);

// An acknowledgement makes room. Below the threshold, nobody is told.
clock.advance(250);
const short = await read(await client.submit("chatter", { lines: 150 }));
assert.deepEqual(short, { lines: 150, notices: 0 });
console.log(`${short.lines} lines`);

/* It prints:
more than 200 events wait for an acknowledgement
900 lines
150 lines
*/
