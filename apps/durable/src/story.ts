import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect } from "@arcp/client";
import { dial } from "@arcp/transport-ws";
import colours from "picocolors";
import type { crawler } from "./agents.ts";
import { RuntimeProcess } from "./runtime-process.ts";
import { openSite } from "./site.ts";

const { dim, green, red } = colours;

/**
 * Kills a runtime twice in the middle of a job, which goes on each time.
 * @throws if anything that it shows does not hold
 */
export async function story(pages: number, say: (line: string) => void): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "arcp-durable-"));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const file = join(directory, "arcp.db");

  // The agent will wait for these two pages, and the runtime dies while it waits.
  const deadly = [1 + Math.floor(pages / 3), 1 + Math.floor((2 * pages) / 3)];
  const site = cleanup.use(await openSite(deadly));

  let runtime = await RuntimeProcess.start(file, "0");
  cleanup.defer(() => runtime.kill());
  const { url } = runtime;
  say(`the runtime, process ${runtime.pid}, is at ${url} and keeps everything in ${file}`);

  // The client stays in this process: one handle from the first event to the last, and no code below watches over it.
  const client = cleanup.use(await connect(dial(url), { token: "a-token" }));
  const { id: session } = client.session;
  void narrate(client, say);

  const order = [
    { site: site.url, pages },
    {
      lease: { "net.fetch": [`${site.url}/**`], "cost.budget": [`credits:${pages}`] },
      idempotencyKey: "crawl-of-monday",
    },
  ] as const;
  const job = await client.agent<typeof crawler>("crawler").submit(...order);
  const mail = await client.submit("mailer", null, { maxRuntimeSec: 60 });
  for await (const { kind, body } of mail.events) {
    if (kind === "status" && body.phase === "sending") break;
  }
  say(`alice submitted ${job.id}: ${pages} pages, a credit each`);

  const due = new Set(deadly);
  const seen: (number | undefined)[] = [];
  for await (const { kind, body, jobSeq } of job.events) {
    seen.push(jobSeq);
    if (kind === "status") say(dim(`  ${body.phase}${body.message ? `, ${body.message}` : ""}`));
    if (kind !== "progress") continue;
    say(dim(`  page ${body.current} of ${body.total}`));
    const next = body.current + 1;
    if (!due.delete(next)) continue;
    await Promise.race([site.waitedFor(next), job.outcome()]);
    say(red(`SIGKILL for process ${runtime.pid}, while its agent waits for page ${next}`));
    await runtime.kill();
    runtime = await RuntimeProcess.start(file, new URL(url).port);
    say(green(`process ${runtime.pid} takes over with the same file`));
  }

  const result = await job.result();
  assert.deepEqual(result, { words: (pages * (pages + 1)) / 2, attempts: 1 + deadly.length });
  say(`ok  the job ended in attempt ${result.attempts} with the right sum, ${result.words} words`);
  assert.deepEqual(
    seen,
    seen.map((_, i) => i + 1),
  );
  say(`ok  one handle saw events 1 to ${seen.length}, each once and in order`);
  const expected = Array.from({ length: pages }, (_, i) => [i + 1, deadly.includes(i + 1) ? 2 : 1]);
  assert.deepEqual([...site.visits], expected);
  say(`ok  pages ${deadly.join(" and ")} were asked for twice, every other page once`);
  assert.equal(job.budget.get("credits"), 0);
  say(`ok  exactly ${pages} credits were spent: no page was paid for twice`);
  assert.equal(client.session.id, session);
  say("ok  the client is in the session that it began with");

  await assert.rejects(mail.result(), { code: "INTERNAL_ERROR", retryable: true });
  const phases: string[] = [];
  for await (const { kind, body } of mail.events) if (kind === "status") phases.push(body.phase);
  assert.deepEqual(phases, ["running", "sending"]);
  say(
    "ok  the mailer, which must not run twice, ran once and has one end, an error that may be retried",
  );
  const again = await client.agent<typeof crawler>("crawler").submit(...order);
  assert.equal(again.id, job.id);
  say("ok  the idempotency key still leads to the same job");
}

/** Prints what becomes of the client's connection. */
async function narrate(client: Client, say: (line: string) => void): Promise<void> {
  let isLost = false;
  for await (const { kind } of client.states) {
    if (kind === "retrying" && !isLost) say(dim("  the client has no connection and dials again"));
    if (kind === "online" && isLost) say(dim("  the client is back in its session"));
    if (kind === "retrying") isLost = true;
    if (kind === "online") isLost = false;
  }
}
