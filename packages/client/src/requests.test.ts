import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { accepted, ScriptedRuntime, sessionError } from "../test/scripted-runtime.ts";

test("a signal that many requests share holds nothing of the settled ones", async () => {
  const { client, wire } = await new ScriptedRuntime().online();
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, "abort").length;
  const submitting = client.submit("echo", null, { signal });
  const subscribing = client.subscribe("job_9", { signal });
  expect(listeners()).toBe(2);
  wire.send(accepted(await wire.next("job.submit")));
  wire.send(sessionError("JOB_NOT_FOUND", (await wire.next("job.subscribe")).id));
  await submitting;
  await expect(subscribing).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  expect(listeners()).toBe(0);
});
