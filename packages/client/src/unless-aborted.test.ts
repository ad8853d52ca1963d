import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { unlessAborted } from "./unless-aborted.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("repeated aborted waits for slow work leave nothing behind", async () => {
  const work = Promise.withResolvers<number>();
  const then = vi.spyOn(work.promise, "then");
  const signals: WeakRef<AbortSignal>[] = [];
  for (let asked = 0; asked < 100; asked++) {
    const impatience = new AbortController();
    signals.push(new WeakRef(impatience.signal));
    const wait = unlessAborted(work.promise, impatience.signal);
    impatience.abort(new Error(`enough ${asked}`));
    await expect(wait).rejects.toThrow(`enough ${asked}`);
  }
  expect(then).toHaveBeenCalledTimes(1);
  // The target of a WeakRef stays until the end of the turn.
  await new Promise(setImmediate);
  collectGarbage();
  expect(signals.filter((signal) => signal.deref() !== undefined).length).toBeLessThan(10);

  const { signal } = new AbortController();
  const waits = [unlessAborted(work.promise, signal), unlessAborted(work.promise, signal)];
  work.resolve(7);
  expect(await Promise.all([...waits, unlessAborted(work.promise, signal)])).toEqual([7, 7, 7]);
  expect(await unlessAborted(work.promise, signal)).toBe(7);
});

test("a wait that is aborted before it begins ignores the failure of the work", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  const wait = unlessAborted(Promise.reject(new Error("later")), AbortSignal.abort("before"));
  await expect(wait).rejects.toBe("before");
  await new Promise(setImmediate);
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});
