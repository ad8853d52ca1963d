import { expect, test } from "vitest";
import { damagedHouses, freshSession, UNREADABLE } from "../test/damaged-house.ts";
import { Viewer } from "../test/viewer.ts";

const { scratch, host, crashed, house } = damagedHouses();

test("a submit with the key of an unreadable job is refused, and the job is not run again", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  await owner.hello();
  const { id } = await before.start(owner, "once", { idempotency_key: "k" });
  const file = await crashed(before, (run) => run(UNREADABLE["the lease"], id));
  const after = host(file);
  const viewer = await freshSession(after);
  const { payload } = await viewer.submit("once", { idempotency_key: "k" });
  expect(payload).toMatchObject({ code: "JOB_NOT_FOUND", details: { job_id: id } });
  expect(after.begun).toEqual([]);
});

test("R-5.4-8: a repeated submit whose job is unreadable is refused, and the job is not run again", async () => {
  const { before, owner, welcome, hurt, whole } = await house("once");
  const submitOf = (job: string): string =>
    owner.frames.find(({ type, job_id }) => type === "job.accepted" && job_id === job)?.payload
      .request_id ?? "";
  const file = await crashed(before, (run) => run(UNREADABLE["the lease"], hurt));
  const after = host(file);
  const back = new Viewer(after.runtime);
  await back.resume(welcome, 10);
  const again = (job: string) => {
    const id = submitOf(job);
    back.send("job.submit", { agent: "once", input: null }, { id });
    return back.reply(id);
  };
  expect((await again(whole)).job_id).toBe(whole);
  expect((await again(hurt)).payload).toMatchObject({
    code: "JOB_NOT_FOUND",
    details: { reason: "job_damaged", job_id: hurt },
  });
  expect(after.begun).toEqual([]);
});

test("a key whose job has a log but no row is not free", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const { id } = await before.start(owner, "once", { idempotency_key: "k" });
  await owner.find(({ event_seq }) => event_seq === 1);
  const after = host(await crashed(before, (run) => run("DELETE FROM jobs WHERE id = ?", id)));
  // Its owner would never be told how that job ends.
  expect((await new Viewer(after.runtime).resume(welcome, 1)).payload.code).toBe(
    "RESUME_WINDOW_EXPIRED",
  );
  const viewer = await freshSession(after);
  const { payload } = await viewer.submit("once", { idempotency_key: "k" });
  expect(payload).toMatchObject({ code: "JOB_NOT_FOUND", details: { job_id: id } });
  expect(after.begun).toEqual([]);
});

test("R-5.4-8: an unreadable refusal does not count: its submit is decided again", async () => {
  const before = host(scratch.newFile());
  const owner = new Viewer(before.runtime);
  const welcome = await owner.hello();
  const id = owner.send("job.submit", { agent: "nobody", input: null });
  const { code } = (await owner.reply(id)).payload;
  const file = await crashed(before, (run) => run(`UPDATE refusals SET reply = '"7"'`));
  const back = new Viewer(host(file).runtime);
  await back.resume(welcome, 0);
  back.send("job.submit", { agent: "nobody", input: null }, { id });
  expect((await back.reply(id)).payload.code).toBe(code);
});
