import type { CrashClient } from "./crash-client.ts";
import type { CrashHouse, Deeds } from "./crash-house.ts";

const KEYED = { idempotency_key: "k" };

/** Lists all jobs as fast as it can, and subscribes to or cancels each child that it has not seen before. */
async function pry(client: CrashClient, type: "job.subscribe" | "job.cancel"): Promise<void> {
  const seen = new Set<string>();
  for (let i = 0; i < 25; i++) {
    const { payload } = await client.answered("session.list_jobs", {});
    for (const { job_id, parent_job_id } of payload.jobs) {
      if (!seen.has(job_id) && parent_job_id !== null) client.ask(type, { job_id });
      seen.add(job_id);
    }
  }
}

async function delegatesBeside(house: CrashHouse, other: Promise<void>, owner: CrashClient) {
  await Promise.all([other, house.submit(owner, "delegates")]);
}

/** What can be interrupted, by name. */
export const crashDeeds: Readonly<Record<string, Deeds>> = {
  "submits with and without a key, and a streamed result": async (house) => {
    const client = await house.client();
    await house.submit(client, "speaks");
    await house.submit(client, "streams");
    await house.submit(client, "speaks", KEYED);
  },
  "a job that is run again, with a child, and watched": async (house) => {
    const client = await house.client();
    const watcher = await house.client();
    const { job_id } = await house.submit(client, "retries", KEYED);
    await watcher.answered("job.subscribe", { job_id, history: true });
  },
  "submits in the name of a job": async (house) => {
    const client = await house.client();
    const { job_id } = await house.submit(client, "waits");
    const own = { parent_job_id: job_id, lease_request: {} };
    await house.submit(client, "speaks", own);
    await house.submit(client, "waits", { ...own, ...KEYED });
  },
  "cancels, of a job with children as well": async (house) => {
    const client = await house.client();
    for (const agent of ["waits", "delegates"]) {
      const { job_id } = await house.submit(client, agent);
      await client.answered("job.cancel", { job_id });
    }
  },
  "subscriptions to all that is listed, at every moment": async (house) => {
    const owner = await house.client();
    await delegatesBeside(house, pry(await house.client(), "job.subscribe"), owner);
  },
  "cancels of all children that are listed, at every moment": async (house) => {
    const owner = await house.client();
    await delegatesBeside(house, pry(owner, "job.cancel"), owner);
  },
  "subscriptions, and a submit with a key of another session": async (house) => {
    const owner = await house.client();
    const watcher = await house.client();
    const { job_id } = await house.submit(owner, "waits", KEYED);
    await watcher.answered("job.subscribe", { job_id });
    await watcher.answered("job.subscribe", { job_id, history: true });
    await house.submit(watcher, "waits", KEYED);
  },
  "the adoption of a family whose owner's window closes": async (house) => {
    const owner = await house.client();
    const heir = await house.client();
    const { job_id } = await house.submit(owner, "delegates", KEYED);
    const child = { parent_job_id: job_id, lease_request: {}, idempotency_key: "child" };
    await house.submit(owner, "waits", child);
    owner.leaveForGood();
    await house.calm(700);
    await house.submit(heir, "delegates", KEYED);
  },
  "the adoption of a job that the heir watches, and asks for once more": async (house) => {
    const owner = await house.client();
    const heir = await house.client();
    const { job_id } = await house.submit(owner, "delegates", KEYED);
    await heir.answered("job.subscribe", { job_id });
    const { session = "" } = owner;
    owner.leaveForGood();
    await house.runtime.sessions.end(session);
    heir.ask("job.subscribe", { job_id });
    await house.submit(heir, "delegates", KEYED);
    heir.ask("job.subscribe", { job_id });
    heir.ask("job.cancel", { job_id });
  },
  "a credential that is replaced": async (house) => {
    await house.submit(await house.client(), "rotates");
  },
  "a session that is closed and resumed": async (house) => {
    const client = await house.client();
    await house.submit(client, "delegates");
    client.ask("session.close", {});
    await house.calm();
    await client.comeBack(house.runtime);
  },
};
