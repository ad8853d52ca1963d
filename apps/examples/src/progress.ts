// Show the progress of a job.
import assert from "node:assert/strict";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const pages = ["cover", "preface", "one", "two"];
const scan = defineAgent({
  name: "scan",
  async run(ctx) {
    for (const [index, page] of pages.entries()) {
      // `total` may be left out as long as nobody knows it; `units` and `message` are for people.
      await ctx.progress({
        current: index + 1,
        total: pages.length,
        units: "pages",
        message: page,
      });
    }
  },
});

await using runtime = createRuntime({ agents: [scan], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const job = await client.submit("scan");

const shown: number[] = [];
for await (const { kind, body } of job.events) {
  if (kind !== "progress") continue;
  const { current, total = current, units, message } = body;
  shown.push(current / total);
  console.log(`${"#".repeat(current).padEnd(total, ".")} ${current}/${total} ${units}: ${message}`);
}
assert.deepEqual(shown, [0.25, 0.5, 0.75, 1]);

// A screen that is drawn now and then needs no loop: the latest is at hand.
assert.equal(job.progress?.message, "two");

/* It prints:
#... 1/4 pages: cover
##.. 2/4 pages: preface
###. 3/4 pages: one
#### 4/4 pages: two
*/
