import type { JobId } from "@arcp/core";
import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { hosting } from "../test/hosting.ts";
import { ALL_FEATURES, Viewer } from "../test/viewer.ts";
import { recordStems, writeRecord } from "./jobs/record.ts";
import type { LogRecord } from "./store/index.ts";

/** What another runtime appends to a job's log, as records are written. */
function rival(job: JobId, jobSeq: number, kind: LogRecord["kind"], payload: object): LogRecord {
  const type = kind === "terminal" ? "job.result" : "job.event";
  const stems = recordStems(job, "0".repeat(32));
  return writeRecord({ stems, jobSeq, kind, type, payload: JSON.stringify(payload) });
}

/** A job with a key that its owner and a watcher follow; a bystander did so for a while, and follows another one. */
async function followed() {
  const rig = hosting();
  const [owner, watcher, bystander] = [0, 1, 2].map(() => new Viewer(rig.runtime));
  if (!owner || !watcher || !bystander) throw new Error("unreachable");
  const welcome = await owner.hello();
  await watcher.hello();
  await bystander.hello([...ALL_FEATURES, "list_jobs"]);
  const job = await rig.start(owner, { idempotency_key: "k" });
  const other = await rig.start(bystander);
  const { id: job_id } = job;
  for (const viewer of [watcher, bystander]) {
    await viewer.reply(viewer.send("job.subscribe", { job_id }, { job_id }));
  }
  bystander.send("job.unsubscribe", { job_id }, { job_id });
  await settled();
  return { ...rig, owner, watcher, bystander, welcome, job, other };
}

test("J1: whoever follows a job that another runtime has taken over is disconnected, and nobody else", async () => {
  const { store, runtime, owner, watcher, bystander, welcome, job, other } = await followed();
  const { id: job_id } = job;
  const said = rival(job_id, 2, "event", { kind: "log", body: { message: "rival" } });
  await store.logs.append([{ job: job_id, after: 1, records: [said] }]);
  await job.ctx.log.info("too late");
  for (const viewer of [owner, watcher]) {
    expect(await viewer.ended).toMatchObject({ reason: "fault" });
    expect(viewer.frames.at(-1)).toMatchObject({
      type: "session.error",
      payload: {
        code: "INTERNAL_ERROR",
        message: `another runtime has taken over ${job_id}: connect again`,
        retryable: true,
        details: { reason: "job_taken_over", job_id },
      },
    });
  }
  expect(job.ctx.signal.aborted).toBe(true);

  // The store goes on, and so does everything else.
  await other.ctx.log.info("still here");
  await bystander.find(({ job_seq }) => job_seq === 2);
  const refused = { code: "INTERNAL_ERROR", details: { reason: "job_taken_over" } };
  const asked = [
    bystander.send("job.subscribe", { job_id }, { job_id }),
    bystander.send("job.subscribe", { job_id, history: true }, { job_id }),
    bystander.send("job.submit", { agent: "led", input: null, idempotency_key: "k" }),
  ];
  for (const id of asked) expect((await bystander.reply(id)).payload).toMatchObject(refused);

  // Nor does this reveal the job to anyone who may not know of it (R-7.6-2).
  const stranger = new Viewer(runtime);
  await stranger.hello(ALL_FEATURES, "other");
  const hidden = stranger.send("job.subscribe", { job_id }, { job_id });
  expect((await stranger.reply(hidden)).payload).toMatchObject({ code: "JOB_NOT_FOUND" });

  const statuses = async (): Promise<string[]> => {
    const { payload } = await bystander.reply(bystander.send("session.list_jobs", {}));
    return payload.jobs.map(({ job_id, status }: Record<string, string>) => `${job_id} ${status}`);
  };
  // The job and those beside it can still be listed.
  expect(new Set(await statuses())).toEqual(new Set([`${job_id} running`, `${other.id} running`]));

  // A client that still comes back reads what the other runtime writes, to its end.
  const back = new Viewer(runtime);
  expect((await back.resume(welcome, 1)).type).toBe("session.welcome");
  const cancel = back.send("job.cancel", { job_id }, { job_id });
  expect((await back.reply(cancel)).payload).toMatchObject(refused);
  const end = rival(job_id, 3, "terminal", { final_status: "success", result: "elsewhere" });
  await store.logs.append([{ job: job_id, after: 2, records: [end] }]);
  expect((await back.terminal(job_id)).payload.result).toBe("elsewhere");
  expect(back.stream.map(({ job_seq }) => job_seq)).toEqual([2, 3]);
  await store.jobs.update(job_id, { status: "success" });
  expect(await statuses()).toContain(`${job_id} success`);
  await runtime.close();
});
