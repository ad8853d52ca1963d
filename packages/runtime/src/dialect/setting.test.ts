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

/** What an unknown message is answered with. */
async function answers(viewer: Viewer): Promise<readonly string[]> {
  const before = viewer.frames.length;
  viewer.send("session.foo", {});
  viewer.send("session.ping", { nonce: "n" });
  await viewer.find(({ type }) => type === "session.pong");
  return viewer.frames.slice(before).map(({ type }) => type);
}

test("R-D-2: what the operator says of a listener counts for its clients, also where their opening is refused", async () => {
  const runtime = serving();
  const peer = { address: "", dialect: "java" } as const;
  const viewer = new Viewer(runtime, { peer });
  await viewer.hello(["x-vendor.acme.tables"]);
  expect(await answers(viewer)).toEqual(["job.error", "session.error", "session.pong"]);
  const refused = new Viewer(runtime, { peer });
  await refused.hello([], "wrong");
  expect(refused.frames.map(({ type }) => type)).toEqual(["job.error", "session.error"]);
});

test("R-D-2: what is said of a principal counts more than what is said of a listener", async () => {
  const runtime = serving((principal) => (principal === "alice" ? "typescript" : undefined));
  const viewer = new Viewer(runtime, { peer: { address: "", dialect: "java" } });
  await viewer.hello();
  expect(await answers(viewer)).toEqual(["session.pong"]);
});

test("a dialect that there is not is refused: of a listener at once, of a principal as a fault of the runtime", async () => {
  const runtime = serving(() => "rust" as Profile);
  const peer = { address: "", dialect: "rust" as Profile };
  expect(() => runtime.serve(linkedPair().runtime, peer)).toThrow(
    "dialect: rust is not one of draft",
  );
  for (let i = 0; i < 3; i++) {
    const viewer = new Viewer(runtime);
    const { payload } = await viewer.hello();
    expect(payload.code).toBe("INTERNAL_ERROR");
    // None of these sessions is left behind as one that is about to be connected.
    expect(payload).not.toHaveProperty("details");
    await viewer.ended;
  }
  clock.advance(600_000);
  await settled();
  expect(runtime.sessions.list()).toEqual([]);
});
