import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { connect } from "@arcp/client";
import type { Dial } from "@arcp/core";
import type { notes } from "./notes.ts";
import { dialWorker } from "./port-transport.ts";
import { signedToken } from "./signed-tokens.ts";

const SECRET = "the magpie sleeps at noon";

/**
 * Uses a runtime with an auth, a policy, a store and a transport of its own.
 * @throws if anything that it shows does not hold
 */
export async function story(say: (line: string) => void): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "arcp-compose-"));
  cleanup.defer(() => rm(directory, { recursive: true }));
  const secret = randomBytes(32).toString("hex");
  const workerData = { file: join(directory, "arcp.db"), secret, key: randomBytes(32) };
  const start = (): Worker => new Worker(new URL("worker.ts", import.meta.url), { workerData });

  say("transport: the runtime is in a thread of its own, behind a MessagePort");
  let worker = start();
  cleanup.defer(async () => void (await worker.terminate()));
  const dial: Dial = (signal) => dialWorker(worker)(signal);
  const tomorrow = new Date(Date.now() + 86_400_000);
  const enter = async (name: string) =>
    cleanup.use(await connect(dial, { token: signedToken(secret, name, tomorrow) }));

  say("auth: a token says whose it is and until when, signed");
  const alice = await enter("alice");
  for (const [what, token] of [
    ["one that has expired", signedToken(secret, "alice", new Date(0))],
    ["one signed by somebody else", signedToken("guessed", "alice", tomorrow)],
  ] as const) {
    await assert.rejects(connect(dial, { token }), { code: "UNAUTHENTICATED" });
    say(`ok  ${what} is refused`);
  }

  say("policy: teams see each other's jobs, and a job has the credits of whoever submits it");
  const lease = { "cost.budget": ["credits:500"] };
  const job = await alice.agent<typeof notes>("notes").submit({ text: SECRET }, { lease });
  assert.deepEqual(job.accepted.lease, { "cost.budget": ["credits:100"] });
  say("ok  alice asked for 500 credits and got her 100");
  assert.deepEqual(await job.result(), { text: SECRET, credits: "100" });
  const [bob, carol] = [await enter("bob"), await enter("carol")];
  const watched = await bob.subscribe(job.id, { history: true });
  assert.deepEqual(await watched.result(), await job.result());
  say("ok  bob, of her team, sees the result");
  await assert.rejects(carol.subscribe(job.id), { code: "JOB_NOT_FOUND" });
  say("ok  for carol, of another team, there is no such job");
  await assert.rejects(bob.submit("notes", { text: "" }), { code: "AGENT_NOT_AVAILABLE" });
  say("ok  for bob, who may watch and not submit, there is no such agent");

  say("store: what agents say is encrypted before it gets to the file");
  await worker.terminate();
  let bytes = "";
  for await (const file of glob(`${workerData.file}*`)) bytes += await readFile(file, "latin1");
  assert(bytes.includes(job.id));
  for (const word of SECRET.split(" ").filter(({ length }) => length > 3)) {
    assert(!bytes.includes(word), `${word} is in the file`);
  }
  say(`ok  of what alice wrote nothing is in the ${bytes.length} bytes of its files`);
  const { id: session } = alice.session;
  worker = start();
  const again = await alice.job(job.id);
  const thoughts: string[] = [];
  for await (const event of again.events) {
    if (event.kind === "thought") thoughts.push(event.body.text);
  }
  assert.equal(thoughts.join(" "), SECRET);
  assert.equal(alice.session.id, session);
  say("ok  another thread with the key goes on: the same session, the same events");
}
