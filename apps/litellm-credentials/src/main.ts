import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { connect } from "@arcp/client";
import { createRuntime, defineAgent, tokenTable } from "@arcp/runtime";
import { sqliteStore } from "@arcp/store-sqlite";
import { dial, listen } from "@arcp/transport-ws";
import { litellm } from "./litellm.ts";
import { LitellmProxy } from "./proxy.ts";

const nextTurn = (signal?: AbortSignal): Promise<void> => setImmediate(undefined, { signal });

/**
 * Asks a model with the job's own key, and one that the key is not for; asks again once the operator has rotated it.
 * @param seen resolves when its owner has the new one
 */
const owl = (seen: Promise<void>) =>
  defineAgent({
    name: "owl",
    async run(ctx) {
      const ask = async (model: string): Promise<number> => {
        const { endpoint, value } = ctx.credentials.get("llm") ?? {};
        const response = await fetch(`${endpoint}/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${value}` },
          body: JSON.stringify({ model, messages: [{ role: "user", content: "Who?" }] }),
        });
        await ctx.log.info(`${model} with ${value}: ${response.status}`);
        return response.status;
      };
      const first = ctx.credentials.get("llm")?.value;
      const statuses = [await ask("mistral/small"), await ask("gpt-4")];
      await ctx.status("waiting");
      while (ctx.credentials.get("llm")?.value === first) await nextTurn(ctx.signal);
      // Behind the end of its job a key is told to nobody.
      await seen;
      return [...statuses, await ask("mistral/small")];
    },
  });

/** Shows a key's life from its job's acceptance to its end; throws where it is not as it should be. */
export async function main(say: (line: string) => void): Promise<void> {
  const masterKey = "sk-1234";
  await using proxy = new LitellmProxy(masterKey);
  const url = await proxy.listen();
  const directory = await mkdtemp(join(tmpdir(), "arcp-litellm-"));
  const seen = Promise.withResolvers<void>();
  const runtime = createRuntime({
    agents: [owl(seen.promise)],
    auth: tokenTable({ "a-token": "alice" }),
    provisioners: { llm: litellm({ url, masterKey }) },
    store: sqliteStore(join(directory, "arcp.db")),
  });
  const server = await listen({ port: 0 }, runtime.serve);
  const client = await connect(dial(server.url), { token: "a-token" });
  try {
    const lease = { "model.use": ["mistral/*"], "cost.budget": ["USD:0.50"] };
    const job = await client.submit("owl", null, { lease, maxRuntimeSec: 60 });
    const [credential] = job.credentials.values();
    const [key] = proxy.keys.values();
    assert.equal(credential?.value, key?.key);
    say(
      `a key for ${key?.models}, USD ${key?.max_budget}, ${key?.duration}: ${inspect(credential)}`,
    );

    for await (const event of job.events) {
      if (event.kind === "log") say(event.body.message);
      if (event.kind !== "status") continue;
      if (event.body.phase === "waiting") await runtime.credentials.rotate(job.id);
      if (event.body.phase === "credential_rotated") {
        const [current] = job.credentials.values();
        assert.notEqual(current?.value ?? "", credential?.value);
        say("rotated");
        seen.resolve();
      }
    }
    assert.deepEqual(await job.result(), [200, 401, 200]);
    assert.equal(job.credentials.size, 0);
    while (runtime.credentials.list().length > 0) await nextTurn();
    assert.equal(proxy.keys.size, 0);
    say("the job has ended, and no key is left");
  } finally {
    await client.close();
    await runtime.close();
    await server.close();
    await rm(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main((line) => process.stdout.write(`${line}\n`));
}
