import { expect, test } from "vitest";
import { damagedHouses, freshSession, history, UNREADABLE } from "../test/damaged-house.ts";
import { Viewer } from "../test/viewer.ts";

const { host, crashed, house } = damagedHouses();

test("a session that must be told again of an unreadable job cannot be resumed", async () => {
  const { before, welcome, hurt } = await house("once");
  const file = await crashed(before, (run) => run(UNREADABLE["the lease"], hurt));
  const after = host(file);
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 0)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
});

test.each([
  ["UPDATE sessions SET features = '[' WHERE id = ?"],
  ["UPDATE attachments SET request = '\"' WHERE session = ?"],
])("%s: that session is forgotten, others resume, and its jobs can be read", async (sql) => {
  const { before, owner, welcome, hurt, ended } = await house("once");
  const neighbour = new Viewer(before.runtime);
  const other = await neighbour.hello();
  // Following its job from the start, an owner has no row; this gives it one.
  await history(owner, hurt);
  const file = await crashed(before, (run) => run(sql, welcome.session_id ?? ""));
  const after = host(file);
  const back = new Viewer(after.runtime);
  expect((await back.resume(welcome, 10)).payload.code).toBe("RESUME_WINDOW_EXPIRED");
  expect((await new Viewer(after.runtime).resume(other, 0)).type).toBe("session.welcome");
  const viewer = await freshSession(after);
  await history(viewer, ended);
  expect((await viewer.terminal(ended)).payload.result).toBe("the result");
  expect(after.errors()).toMatchObject([{ session: welcome.session_id }]);
});
