import { ManualClock } from "@arcp/core";
import { describe, expect, test } from "vitest";
import { ways } from "../../test/line.ts";
import { Stage, tokens } from "../../test/stage.ts";
import { isStreamEnvelope } from "../wire/stream-envelope.ts";

describe.each(ways)("over %s", (way) => {
  test("R-14-5: failed logins, resumes, cancels, subscriptions and expirations are logged, with principal and job", async () => {
    const clock = new ManualClock();
    await using stage = await Stage.open(way, { clock });
    const logged = () => stage.logged.map((line) => JSON.parse(line));
    const stranger = await stage.wire();
    await expect(stranger.hello({ token: "guessed" })).rejects.toThrow("UNAUTHENTICATED");
    expect(logged()).toContainEqual(
      expect.objectContaining({
        level: "warn",
        values: expect.objectContaining({ code: "UNAUTHENTICATED" }),
      }),
    );
    expect(stage.logged.join()).not.toContain("guessed");

    const wire = await stage.greeted();
    const expires_at = new Date(clock.now() + 60_000).toISOString();
    const { id } = await stage.played(wire, { lease_constraints: { expires_at } });
    const { id: other } = await stage.played(wire);
    await stage.drop(wire);
    const again = await stage.resumed(wire);
    const viewer = await stage.greeted({ token: tokens.alice2 });
    await viewer.request("job.subscribe", { job_id: id });
    await again.request("job.cancel", { job_id: other });
    clock.advance(60_000);
    await again.next((e) => isStreamEnvelope(e) && e.job_id === id && e.type === "job.error");

    const principal = "alice";
    const said = (text: RegExp, values: object) =>
      expect.objectContaining({
        text: expect.stringMatching(text),
        values: expect.objectContaining(values),
      });
    for (const entry of [
      said(/session bound/, { principal, session: again.sessionId, resumed: true }),
      said(/job subscribed/, { principal, job: id }),
      said(/job cancelled/, { principal, job: other }),
      said(/lease expired/, { principal, job: id }),
    ]) {
      expect(logged()).toContainEqual(entry);
    }
  });
});
