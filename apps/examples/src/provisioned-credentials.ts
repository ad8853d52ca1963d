// Create an API key for each job, limited like the job, and revoke it when the job ends.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, type Provisioner, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { dial, listen } from "@arcp/transport-ws";

// Stands for a gateway in front of a model, which can make keys: by name, with limits of their own.
const keys = new Map<string, { value: string; budget: string | undefined }>();
const gateway: Provisioner = {
  async issue({ alias, budget }) {
    const value = `sk-${randomBytes(24).toString("base64url")}`;
    keys.set(alias, { value, budget: budget["EUR"] });
    return { value, endpoint: "https://llm.example/v1", profile: "openai" };
  },
  revoke: async (alias) => keys.delete(alias), // whether there was one
};

const looked = Promise.withResolvers<void>();
const writer = defineAgent({
  name: "writer",
  async run(ctx) {
    await looked.promise;
    const key = ctx.credentials.get("llm");
    await ctx.log.info(`calling ${key?.endpoint} with ${key?.value}`); // a mistake that does no harm
    return "a poem";
  },
});

// A key has to be revoked also after a crash of the runtime: that takes a store that outlives it.
await using folder = await mkdtempDisposable(join(tmpdir(), "arcp-"));
await using runtime = createRuntime({
  agents: [writer],
  auth: tokenTable({ "a-token": "alice" }),
  provisioners: { llm: gateway },
  store: sqliteStore(join(folder.path, "arcp.db")),
});
await using server = await listen({ port: 0 }, runtime.serve);

await using client = await connect(dial(server.url), { token: "a-token" });
const job = await client.submit("writer", null, { lease: { "cost.budget": ["EUR:0.50"] } });

// Whoever submitted the job gets the key as well, over a connection that is local or encrypted.
const [key] = job.credentials.values();
assert.deepEqual([...keys.values()], [{ value: key?.value, budget: "0.5" }]);
looked.resolve();

for await (const { kind, body } of job.events) if (kind === "log") console.log(body.message);
assert.equal(await job.result(), "a poem");
assert.equal(job.credentials.size, 0); // forgotten with the end of the job,
assert.equal(keys.size, 0); // and revoked
console.log(`keys alive: ${keys.size}`);

/* It prints:
calling https://llm.example/v1 with [redacted]
keys alive: 0
*/
