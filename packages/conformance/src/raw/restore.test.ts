import { expect, test } from "vitest";
import { Random } from "../../test/chaos/random.ts";
import { killClients } from "../../test/restore/restoring.ts";
import { Scratch } from "../../test/scratch.ts";

// The long form is `soak restore`.
test("R-6.3-7, R-6.5-1: a client that is killed in mid-job is followed by one that gets the full stream", async () => {
  using scratch = new Scratch();
  const random = new Random(Math.trunc(Math.random() * 2 ** 31));
  const plan = { kills: 2, directory: scratch.path, store: "memory", window: 600, random };
  const { shot, suicides, sessions, events } = await killClients(plan);
  expect(shot + suicides).toBe(2);
  expect(sessions).toBe(1);
  expect(events).toBeGreaterThan(10);
});
