import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { dial, listen } from "@arcp/transport-ws";
import { litellm } from "./litellm.ts";
import { LitellmProxy } from "./proxy.ts";

/**
 * Asks a model with the job's own key, and one that the key is not for; asks again once the operator has rotated it.
 * @param rotated resolves when the job's owner has the new one: after the job's end it would reach nobody
 */
const owl = (rotated: Promise<void>) =>
  defineAgent({
    name: "owl",
    async run(ctx) {
      const ask = async (model: string): Promise<number> => {
        // Read each time: it may have been rotated.
        const { endpoint, value } = ctx.credentials.get("llm") ?? {};
        const response = await fetch(`${endpoint}/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${value}` },
          body: JSON.stringify({ model, messages: [{ role: "user", content: "Who?" }] }),
        });
        await ctx.log.info(`${model} with ${value}: ${response.status}`);
        return response.status;
      };
      const statuses = [await ask("mistral/small"), await ask("gpt-4")];
      await ctx.status("waiting");
      await rotated;
      return [...statuses, await ask("mistral/small")];
    },
  });

/**
 * Shows a key's life from its job's acceptance to its end.
 * @throws if anything that it shows does not hold
 */
export async function story(say: (line: string) => void): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "arcp-litellm-"));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const masterKey = "sk-1234";
  const proxy = cleanup.use(new LitellmProxy(masterKey));
  const url = await proxy.listen();

  const rotated = Promise.withResolvers<void>();
  const runtime = cleanup.use(
    createRuntime({
      agents: [owl(rotated.promise)],
      auth: tokenTable({ "a-token": "alice" }),
      provisioners: { llm: litellm({ url, masterKey }) },
      store: sqliteStore(join(directory, "arcp.db")),
    }),
  );
  const server = cleanup.use(await listen({ port: 0 }, runtime.serve));
  const client = cleanup.use(await connect(dial(server.url), { token: "a-token" }));

  const lease = { "model.use": ["mistral/*"], "cost.budget": ["USD:0.50"] };
  const job = await client.submit("owl", null, { lease, maxRuntimeSec: 60 });
  const [credential] = job.credentials.values();
  const [key] = proxy.keys.values();
  assert.equal(credential?.value, key?.key);
  say(`a key for ${key?.models}, USD ${key?.max_budget}, ${key?.duration}: ${inspect(credential)}`);

  for await (const event of job.events) {
    if (event.kind === "log") say(event.body.message);
    if (event.kind !== "status") continue;
    if (event.body.phase === "waiting") await runtime.credentials.rotate(job.id);
    if (event.body.phase === "credential_rotated") {
      const [current] = job.credentials.values();
      assert.notEqual(current?.value ?? "", credential?.value);
      say("rotated");
      rotated.resolve();
    }
  }
  assert.deepEqual(await job.result(), [200, 401, 200]);
  assert.equal(job.credentials.size, 0);
  // It waits for revocations in progress.
  await runtime.close();
  assert.equal(proxy.keys.size, 0);
  say("the job has ended, and no key is left");
}
