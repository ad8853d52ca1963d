// Kill a client, and continue in another process: same session, same job, nothing lost.
import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SavedSession } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { dial, listen } from "@arcp/transport-ws";

const enough = Promise.withResolvers<void>();
const knit = defineAgent({
  name: "knit",
  async run(ctx) {
    for (const row of [1, 2, 3]) await ctx.log.info(`row ${row}`);
    await enough.promise;
    for (const row of [4, 5]) await ctx.log.info(`row ${row}`);
    return "a scarf";
  },
});

await using runtime = createRuntime({ agents: [knit], auth: tokenTable({ "a-token": "alice" }) });
await using server = await listen({ port: 0 }, runtime.serve);

// All that another process needs, whenever it changes: a secret, written so that nobody ever finds a half of it.
await using folder = await mkdtempDisposable(join(tmpdir(), "arcp-"));
const file = join(folder.path, "session.json");
const persist = async (saved: SavedSession) => {
  await writeFile(`${file}.new`, JSON.stringify(saved), { mode: 0o600 });
  await rename(`${file}.new`, file);
};

const killed = new AbortController();
const options = { token: "a-token", persist };
const first = await connect(dial(server.url), { ...options, signal: killed.signal });
const job = await first.submit("knit");
for await (const { kind, body } of job.events) {
  if (kind !== "log") continue;
  console.log(`first: ${body.message}`);
  if (body.message === "row 3") break;
}
killed.abort(); // no goodbye, as in a kill -9
enough.resolve();

// The next process has the file and nothing else.
const restore: SavedSession = JSON.parse(await readFile(file, "utf8"));
await using next = await connect(dial(server.url), { ...options, restore });
assert.equal(next.session.id, first.session.id);
for (const id of restore.jobs) {
  const same = await next.job(id, { fromJobSeq: 4 }); // behind row 3, the job's fourth event
  for await (const { kind, body } of same.events)
    if (kind === "log") console.log(`next: ${body.message}`);
  assert.equal(await same.result(), "a scarf");
}

/* It prints:
first: row 1
first: row 2
first: row 3
next: row 4
next: row 5
*/
