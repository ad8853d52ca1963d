// Stream a large result into a file or a pipe, without holding all of it in memory.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const row = "2026-11-02,42.50,EUR,coffee and cake\n";
const rows = 100_000;

const ledger = defineAgent({
  name: "ledger",
  async run(ctx) {
    // Text or bytes, in pieces of any size: they are cut and joined on the way. Nothing is returned then.
    for (let written = 0; written < rows; written += 1000) {
      await ctx.result.write(row.repeat(1000));
    }
  },
});

await using runtime = createRuntime({ agents: [ledger], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const job = await client.submit("ledger");

// A web stream of bytes. Into a file: await writeFile("ledger.csv", job.stream())
const hash = createHash("sha256");
let pieces = 0;
for await (const bytes of job.stream()) {
  hash.update(bytes);
  pieces += 1;
}
assert(pieces > 1);
assert.equal(hash.digest("hex"), createHash("sha256").update(row.repeat(rows)).digest("hex"));

// That it came to its end says that it is whole: the runtime tells the size, and the client counts.
const outcome = await job.outcome();
assert(outcome.status === "success");
assert.equal(outcome.stream?.size, row.length * rows);
console.log(`${outcome.stream.size} bytes`);

// What fits into memory comes in one piece, by text() or bytes(): also again, and by another session.
await using reader = await connect(dial(server.url), { token: "a-token" });
const text = await (await reader.job(job.id)).text();
assert.equal(text.split("\n").length - 1, rows);
console.log(`${rows} rows, the first: ${text.split("\n")[0]}`);

/* It prints:
3700000 bytes
100000 rows, the first: 2026-11-02,42.50,EUR,coffee and cake
*/
