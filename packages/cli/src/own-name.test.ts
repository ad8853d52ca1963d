import { expect, test } from "vitest";
import { Site } from "../test/site.ts";

test("commands to copy start with npx if npm started this one", async () => {
  await using site = await Site.open();
  const env = { npm_execpath: "/npm" };
  const { err } = await site.play(["submit", "nobody"], { env }).done;
  expect(err).toContain("`npx arcp agents` lists the agents on offer");
  const playing = site.play(["submit", "deaf"], { env });
  await playing.until(/running/);
  playing.interrupt("SIGTERM");
  expect((await playing.done).err).toMatch(/^arcp: to return: `npx arcp watch job_\w+`\n$/);
});
