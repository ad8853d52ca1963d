import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { Interrupts } from "./interrupts.ts";

test("a second interrupt that no command took waits for nothing", async () => {
  const signals = new EventEmitter();
  using interrupts = new Interrupts({ signals });
  let isOver = false;
  interrupts.insisted.catch(() => {
    isOver = true;
  });
  const press = async () => {
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
