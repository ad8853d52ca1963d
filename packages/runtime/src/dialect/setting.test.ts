import { linkedPair, ManualClock } from "@arcp/core";
import { pino } from "pino";
import { expect, test } from "vitest";
import { settled } from "../../test/held-store.ts";
import { Viewer } from "../../test/viewer.ts";
import { tokenTable } from "../auth.ts";
import { createRuntime } from "../runtime.ts";
import type { Profile } from "./profile.ts";

const logger = pino({ level: "silent" });
const auth = tokenTable({ secret: "alice" });
const clock = new ManualClock();
const serving = (dialect?: (principal: string) => Profile | undefined) =>
  createRuntime({
    agents: [],
    auth,
    logger,
    clock,
    limits: { connectedSessionsPerPrincipal: 1 },
    ...(dialect && { policy: { dialect } }),
  });

/** The reply to an unknown message. */
async function answers(viewer: Viewer): Promise<readonly string[]> {
  const before = viewer.frames.length;
  viewer.send("session.foo", {});
  viewer.send("session.ping", { nonce: "n" });
  await viewer.find(({ type }) => type === "session.pong");
  return viewer.frames.slice(before).map(({ type }) => type);
}

test("R-D-2: an operator's setting for a listener applies to its clients, even when their opening is refused", async () => {
  const runtime = serving();
  const peer = { address: "", dialect: "java" } as const;
  const viewer = new Viewer(runtime, { peer });
  await viewer.hello(["x-vendor.acme.tables"]);
  expect(await answers(viewer)).toEqual(["job.error", "session.error", "session.pong"]);
  const refused = new Viewer(runtime, { peer });
  await refused.hello([], "wrong");
  expect(refused.frames.map(({ type }) => type)).toEqual(["job.error", "session.error"]);
});

test("R-D-2: a setting for a principal overrides that for a listener", async () => {
  const runtime = serving((principal) => (principal === "alice" ? "typescript" : undefined));
  const viewer = new Viewer(runtime, { peer: { address: "", dialect: "java" } });
  await viewer.hello();
  expect(await answers(viewer)).toEqual(["session.pong"]);
});

test("an unknown dialect is refused: at once for a listener, as a fault of the runtime for a principal", async () => {
  const runtime = serving(() => "rust" as Profile);
  const peer = { address: "", dialect: "rust" as Profile };
  expect(() => runtime.serve(linkedPair().runtime, peer)).toThrow(
    "dialect: rust is not one of draft",
  );
  for (let i = 0; i < 3; i++) {
    const viewer = new Viewer(runtime);
    const { payload } = await viewer.hello();
    expect(payload.code).toBe("INTERNAL_ERROR");
    // None of these sessions is left behind as about to be connected.
    expect(payload).not.toHaveProperty("details");
    await viewer.ended;
  }
  clock.advance(600_000);
  await settled();
  expect(runtime.sessions.list()).toEqual([]);
});
