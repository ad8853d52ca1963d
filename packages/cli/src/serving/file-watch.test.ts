import * as fs from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@arcp/core";
import { expect, test, vi } from "vitest";
import { Playing, scratch } from "../../test/played.ts";
import { FileWatch } from "./file-watch.ts";

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  return { ...real, watch: vi.fn(real.watch) };
});

/** A watch, and the next change that it reports. */
function watching() {
  let told = Promise.withResolvers<void>();
  const watch = new FileWatch(systemClock, () => {
    told.resolve();
    told = Promise.withResolvers();
  });
  return { watch, change: () => told.promise, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

test("a directory that disappeared is watched again when it is back, however deep it is", async () => {
  await using place = await scratch();
  const directory = join(place.path, "a", "b");
  const file = join(directory, "agents.ts");
  await mkdir(directory, { recursive: true });
  await writeFile(file, "1");
  using watcher = watching();
  const files = new Set([file]);
  expect(watcher.watch.watch(files)).toBeUndefined();
  const after = async (work: Promise<unknown>) => {
    const change = watcher.change();
    await work;
    await change;
    expect(watcher.watch.watch(files)).toBeUndefined();
  };
  await after(rm(join(place.path, "a"), { recursive: true }));
  await after(mkdir(join(place.path, "a")));
  await after(mkdir(directory));
  await after(writeFile(file, "2"));
  await after(writeFile(file, "3"));
});

test.each([
  ["ENOSPC", "the system has no watches left (ENOSPC): raise fs.inotify.max_user_watches"],
  [
    "EMFILE",
    "too much is open or watched (EMFILE): raise `ulimit -n` or fs.inotify.max_user_instances",
  ],
  ["EACCES", "EACCES: no"],
])(
  "a directory that the system refuses to watch is reported, and the rest is watched: %s",
  async (code, why) => {
    await using place = await scratch();
    await mkdir(join(place.path, "lib"));
    vi.mocked(fs.watch).mockImplementationOnce(() => {
      throw Object.assign(new Error(`${code}: no`), { code });
    });
    using watcher = watching();
    const [refused, other] = [join(place.path, "a.ts"), join(place.path, "lib", "b.ts")];
    const files = new Set([refused, other]);
    expect(watcher.watch.watch(files)).toEqual({ directories: [place.path], why });
    const change = watcher.change();
    await writeFile(other, "");
    await change;
    // It may succeed next time.
    expect(watcher.watch.watch(files)).toBeUndefined();
  },
);

test("arcp serve --watch goes on without what cannot be watched, and says so", async () => {
  await using place = await scratch();
  await writeFile(join(place.path, "a.ts"), `export default { name: "a", run: () => 1 };`);
  vi.mocked(fs.watch).mockImplementationOnce(() => {
    throw Object.assign(new Error("no"), { code: "ENOSPC" });
  });
  const cwd = place.path;
  const playing = new Playing(["serve", "a.ts", "--watch", "--port=0"], { cwd });
  await playing.until(/arcp agents\n/);
  playing.interrupt();
  expect(await playing.done).toMatchObject({
    code: 0,
    err: "not watched: .: the system has no watches left (ENOSPC): raise fs.inotify.max_user_watches\n",
  });
});
