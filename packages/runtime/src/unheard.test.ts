import { expect, test } from "vitest";
import { settled } from "../test/held-store.ts";
import { dense, hosting } from "../test/hosting.ts";
import { Viewer } from "../test/viewer.ts";
import { Bells } from "./store/bells.ts";

/**
 * A job that its owner and a watcher follow, on a store that loses answers when told to, and rings only for what it has
 * answered.
 */
async function followed() {
  const rig = hosting();
  const { logs } = rig.store;
  const { append } = logs;
  const bells = new Bells();
  const answerLost = new Error("the connection broke before the answer came");
  let losses = 0;
  logs.listen = (job, ring) => bells.hang(job, ring);
  logs.append = async (batches) => {
    const outcomes = await append(batches);
    if (losses-- > 0) throw answerLost;
    bells.ring(batches.filter((_, i) => outcomes[i] === "appended"));
    return outcomes;
  };
  const loseAnswers = (count: number): void => {
    losses = count;
  };
  const [owner, watcher] = [new Viewer(rig.runtime), new Viewer(rig.runtime)];
  await owner.hello();
  await watcher.hello();
  const job = await rig.start(owner);
  const { id: job_id } = job;
  await watcher.reply(watcher.send("job.subscribe", { job_id, history: true }, { job_id }));
  await settled();
  return { ...rig, owner, watcher, job, loseAnswers };
}

test("R-7.3-3: records that the store took are sent even if its answer was lost, above all the end of a job", async () => {
  const { clock, owner, watcher, job, loseAnswers } = await followed();
  loseAnswers(1);
  job.end("done");
  await settled();
  clock.advance(20);
  for (const viewer of [owner, watcher]) {
    expect(await viewer.terminal(job.id)).toMatchObject({ payload: { result: "done" } });
    expect(viewer.seqs).toEqual(dense(2));
  }
});

test("R-7.3-3: so is an end that was written late and whose answer was lost", async () => {
  const { clock, store, owner, watcher, job, loseAnswers } = await followed();
  const { append } = store.logs;
  store.logs.append = () => Promise.reject(new Error("no connection"));
  await job.ctx.log.info("never kept");
  for (const pause of [20, 100, 500, 2000]) {
    await settled();
    clock.advance(pause);
  }
  await settled();
  expect(job.ctx.signal.aborted).toBe(true);
  store.logs.append = append;
  loseAnswers(1);
  for (let attempt = 0; attempt < 2; attempt++) {
    clock.advance(2000);
    await settled();
  }
  for (const viewer of [owner, watcher]) {
    expect(await viewer.terminal(job.id)).toMatchObject({ payload: { code: "INTERNAL_ERROR" } });
    expect(viewer.seqs).toEqual(dense(2));
  }
});
