import { EventEmitter } from "node:events";
import { ManualClock } from "@arcp/core";
import { expect, test } from "vitest";
import { Interrupts } from "./interrupts.ts";

test("a second interrupt that no command takes does not wait", async () => {
  const signals = new EventEmitter();
  const clock = new ManualClock();
  using interrupts = new Interrupts({ signals, clock });
  let isOver = false;
  interrupts.insisted.catch(() => {
    isOver = true;
  });
  const press = async () => {
    clock.advance(50);
    signals.emit("SIGINT", "SIGINT");
    await Promise.resolve();
    return [interrupts.signal.aborted, isOver];
  };
  {
    using _taken = interrupts.take(() => {});
    await press();
    expect(await press()).toEqual([false, false]);
  }
  expect(await press()).toEqual([true, false]);
  expect(await press()).toEqual([true, true]);
});

test("a signal repeated within 50 ms, as when sent to a process and to its group, is one press", () => {
  const signals = new EventEmitter();
  const clock = new ManualClock();
  using interrupts = new Interrupts({ signals, clock });
  const taken: string[] = [];
  using _taken = interrupts.take((interrupt) => void taken.push(interrupt));
  const send = (signal: string, ms: number) => {
    clock.advance(ms);
    signals.emit(signal, signal);
    return taken.length;
  };
  expect([send("SIGINT", 0), send("SIGINT", 0), send("SIGINT", 49)]).toEqual([1, 1, 1]);
  // Since the one that counted: otherwise a key that is held down would never be a second press.
  expect([send("SIGINT", 1), send("SIGINT", 49), send("SIGINT", 1)]).toEqual([2, 2, 3]);
  // Another signal is another request.
  expect([send("SIGTERM", 0), send("SIGTERM", 0)]).toEqual([4, 4]);
  expect(taken).toEqual(["SIGINT", "SIGINT", "SIGINT", "SIGTERM"]);
});
