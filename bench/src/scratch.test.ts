import { spawnSync } from "node:child_process";
import { existsSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Scratch } from "./scratch.ts";

test("each run has a directory of its own, removed with everything in it", () => {
  const exitListeners = process.listenerCount("exit");
  const [one, other] = [new Scratch(), new Scratch()];
  expect(one.directory).not.toBe(other.directory);
  for (const scratch of [one, other]) {
    expect(scratch.subdirectory()).not.toBe(scratch.subdirectory());
    writeFileSync(join(scratch.subdirectory(), "runtime.db"), "");
    scratch[Symbol.dispose]();
    expect(existsSync(scratch.directory)).toBe(false);
  }
  expect(process.listenerCount("exit")).toBe(exitListeners);
});

test("a process that exits in the middle leaves none behind", () => {
  const script = `import { Scratch } from ${JSON.stringify(join(import.meta.dirname, "scratch.ts"))};
    process.stdout.write(new Scratch().directory);
    process.exit(1);`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  expect(stdout).toContain("run-");
  expect(existsSync(stdout)).toBe(false);
});

// Linux has a tmpfs that every user can write; other systems have no such place.
test.runIf(existsSync("/dev/shm") && statfsSync("/dev/shm").type === 0x01021994)(
  "a file system in memory is refused: there, durability costs nothing",
  () => {
    expect(() => new Scratch("/dev/shm")).toThrow("/dev/shm is in memory");
  },
);
