import assert from "node:assert/strict";
import type { CloseReason, Transport } from "@arcp/core";
import { eventually } from "./patience.ts";
import { Reader, refusal } from "./reader.ts";
import { frames, sameFrames } from "./sample-frame.ts";
import { bothWays, type TransportCase } from "./transport-case.ts";

const reasons: readonly CloseReason[] = ["going-away", "refused", "fault", "too-big", "not-text"];

export const closeCases: readonly TransportCase[] = [
  ...bothWays("a normal close ends both ends in good order", [], async ({ here, there }) => {
    const readers = [here, there].map((end) => new Reader(end));
    here.close();
    for (const reader of readers) assert.equal(await reader.ending(), "in good order");
  }),

  ...bothWays("a close delivers what was sent before it", [], async ({ here, there }) => {
    const sent = frames(100, 0, 8_000);
    const reader = new Reader(there);
    here.send(sent).catch(() => {});
    here.close();
    sameFrames((await reader.rest()).frames, sent);
  }),

  ...bothWays("a close delivers more than the high-water mark", [], async ({ here, there }) => {
    const sent = frames(40, 0, 64 * 1024);
    const reader = new Reader(there);
    for (const one of sent) here.send([one]).catch(() => {});
    here.close("going-away");
    sameFrames((await reader.rest()).frames, sent);
  }),

  ...bothWays("what arrived before the end is delivered after it", [], async (stage) => {
    const { here, there } = stage;
    const sent = frames(10);
    await here.send(sent);
    here.close();
    await knowsTheEnd(there);
    const { frames: arrived, ending } = await new Reader(there).rest();
    sameFrames(arrived, sent);
    assert.equal(ending, "in good order");
  }),

  ...bothWays("a reader comes to its end when its own side closes", [], async ({ here, there }) => {
    const sent = frames(2);
    const reader = new Reader(there);
    await here.send(sent);
    sameFrames(await reader.take(1), sent.slice(0, 1));
    there.close("fault");
    const { frames: more, ending } = await reader.rest();
    // The second one may have arrived before the close or not.
    sameFrames(more, sent.slice(1, 1 + more.length));
    assert.equal(ending, "in good order");
  }),

  ...bothWays("a reader that waits is woken by a close of its own side", [], async ({ here }) => {
    const waiting = new Reader(here).ending();
    await Promise.resolve();
    here.close("going-away");
    assert.equal(await waiting, "in good order");
  }),

  ...bothWays("only the first close counts", [], async ({ here, there }) => {
    const reader = new Reader(there);
    await here.send(frames(1));
    here.close();
    here.close("fault");
    here.close();
    const { frames: arrived, ending } = await reader.rest();
    sameFrames(arrived, frames(1));
    assert.equal(ending, "in good order");
    there.close("refused");
    here.close("refused");
    assert.equal(await refusal(here.send(["late"]), "a send after the close"), "normal");
  }),

  ...bothWays("both sides may close at once", [], async ({ here, there }) => {
    const readers = [here, there].map((end) => new Reader(end));
    here.close();
    there.close("going-away");
    for (const reader of readers) assert.equal(await reader.ending(), "in good order");
  }),

  ...bothWays("a send after a close of its own rejects, and sends nothing", [], async (stage) => {
    const reader = new Reader(stage.there);
    stage.here.close("going-away");
    for (const late of [["late"], []]) {
      const reason = await refusal(stage.here.send(late), "a send after the close");
      assert.equal(reason, "going-away");
    }
    assert.deepEqual((await reader.rest()).frames, []);
  }),

  ...bothWays("a send after the peer's close rejects", [], async ({ here, there }) => {
    here.close();
    await new Reader(there).ending();
    for (const late of [["late"], []]) {
      assert.equal(await refusal(there.send(late), "a send after the peer's close"), "normal");
    }
  }),

  ...reasons.flatMap((reason) =>
    bothWays(`a close as ${reason} fails the peer with it`, ["reasons"], async (stage) => {
      const { here, there } = stage;
      const reader = new Reader(there);
      here.send(["the explanation"]).catch(() => {});
      here.close(reason);
      const { frames: arrived, ending } = await reader.rest();
      sameFrames(arrived, ["the explanation"]);
      assert.deepEqual(ending, { reason });
      assert.equal(await refusal(there.send(["late"]), "a send after the peer's close"), reason);
    }),
  ),

  ...bothWays("R-4-4: a break fails both ends, without a reason", ["sever"], async (stage) => {
    const ends = [stage.here, stage.there];
    const endings = Promise.all(ends.map((end) => new Reader(end).ending()));
    await stage.sever();
    assert.deepEqual(await endings, [{ reason: undefined }, { reason: undefined }]);
    for (const end of ends) {
      assert.equal(await refusal(end.send(["late"]), "a send after the break"), undefined);
    }
  }),

  ...bothWays("R-4-4: what comes before a break comes whole", ["sever"], async (stage) => {
    const { here, there, sever } = stage;
    const sent = frames(400, 0, 20_000);
    const reader = new Reader(there);
    const sending = here.send(sent);
    sending.catch(() => {});
    sameFrames(await reader.take(3), sent.slice(0, 3));
    await sever();
    const { frames: more, ending } = await reader.rest();
    sameFrames(more, sent.slice(3, 3 + more.length));
    assert.deepEqual(ending, { reason: undefined });
  }),

  ...bothWays("R-4-4: a close after a break changes nothing", ["sever"], async (stage) => {
    const { here, there, sever } = stage;
    const reader = new Reader(here);
    await sever();
    await knowsTheEnd(here);
    here.close("refused");
    there.close();
    assert.deepEqual(await reader.ending(), { reason: undefined });
    assert.equal(await refusal(here.send(["late"]), "a send after the break"), undefined);
  }),

  ...bothWays("a reader that stops early ends nothing", [], async ({ here, there }) => {
    await here.send(frames(2));
    for await (const _ of there.frames) break;
    const back = new Reader(here);
    await there.send(["still there"]);
    sameFrames(await back.take(1), ["still there"]);
    there.close();
    assert.equal(await back.ending(), "in good order");
    await refusal(there.send(["late"]), "a send after the close");
  }),
];

/** Resolves once this end has learnt that the connection is over. */
function knowsTheEnd(end: Transport): Promise<void> {
  return eventually(
    () =>
      end.send([]).then(
        () => false,
        () => true,
      ),
    () => "the end of the connection did not arrive",
  );
}
