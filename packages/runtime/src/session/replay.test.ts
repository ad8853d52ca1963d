import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { dense, hosting } from "../../test/hosting.ts";
import { Viewer } from "../../test/viewer.ts";

test("P3: a replay whose records are evicted under it ends with an error, after what it sent whole up to there", async () => {
  const { runtime, start } = hosting({ logLimits: { records: 2500 } });
  const owner = new Viewer(runtime);
  const welcome = await owner.hello();
  const job = await start(owner);
  for (let i = 0; i < 2000; i++) await job.ctx.log.info(`seen ${i}`);
  await job.ctx.flush();
  await settled();
  expect(owner.seqs).toEqual(dense(2001));
  owner.sever();
  await settled();

  const slow = new Viewer(runtime, { highWaterMark: 1000, read: false });
  void slow.resume(welcome, 0);
  await settled();
  for (let i = 0; i < 2000; i++) await job.ctx.log.info(`evicts ${i}`);
  await job.ctx.flush();
  const ended = slow.read();
  const error = await slow.find(({ type }) => type === "session.error");
  expect(error.payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect(await ended).toMatchObject({ reason: "refused" });
  expect(slow.stream.length).toBeLessThan(2000);
  expect(slow.seqs).toEqual(dense(slow.stream.length));
  expect(slow.stream.map(({ job_seq }) => job_seq)).toEqual(dense(slow.stream.length));
});
