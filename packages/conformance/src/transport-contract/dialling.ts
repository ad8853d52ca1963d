import assert from "node:assert/strict";
import type { Dial } from "@arcp/core";
import { soon } from "./patience.ts";
import { type TransportCase, transportCase } from "./transport-case.ts";

export const diallingCases: readonly TransportCase[] = [
  transportCase("a dial opens a connection each time", ["dial"], async ({ dial }) => {
    const { signal } = new AbortController();
    const [first, second] = [await dialled(dial, signal), await dialled(dial, signal)];
    assert.notEqual(first, second);
    first.close();
    await second.send([]);
    second.close();
  }),

  transportCase("a dial rejects with the reason of its signal", ["dial"], async ({ dial }) => {
    const reason = new Error("changed my mind");
    const before = dialled(dial, AbortSignal.abort(reason));
    assert.equal(await failure(before), reason);
    const abort = new AbortController();
    const during = dialled(dial, abort.signal);
    abort.abort(reason);
    assert.equal(await failure(during), reason);
  }),

  transportCase("an abort after the dial harms no connection", ["dial"], async ({ dial }) => {
    const abort = new AbortController();
    const transport = await dialled(dial, abort.signal);
    abort.abort(new Error("too late"));
    await transport.send([]);
    transport.close();
  }),
];

function dialled(dial: Dial | undefined, signal: AbortSignal): ReturnType<Dial> {
  if (dial === undefined) throw new Error("this transport cannot be dialled");
  return soon(dial(signal), "a dial");
}

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no error",
    (error: unknown) => error,
  );
}
