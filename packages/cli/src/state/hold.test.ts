import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratch } from "../../test/played.ts";
import { Hold } from "./hold.ts";
import { latestHolder } from "./holder.ts";
import type { LocalAnswer } from "./local-socket.ts";

const { signal } = new AbortController();
const yes = async (): Promise<LocalAnswer> => ({ ok: true });
const cancel = { do: "cancel", reason: "why not" } as const;

test("one of many becomes the holder and answers the others; when it leaves, another one can", async () => {
  await using home = await scratch();
  const all = await Promise.all(Array.from({ length: 20 }, () => Hold.take(home.path, yes)));
  const [first, ...others] = all.filter((hold) => hold !== undefined);
  expect(others).toEqual([]);
  expect(await Hold.ask(home.path, cancel, signal)).toEqual({ ok: true });
  await first?.[Symbol.asyncDispose]();
  expect(await Hold.ask(home.path, cancel, signal)).toBeUndefined();
  await using second = await Hold.take(home.path, yes);
  expect(second).toBeDefined();
});

test("the holder gets the question, and its answer arrives", async () => {
  await using home = await scratch();
  const asked: unknown[] = [];
  await using _hold = await Hold.take(home.path, async (request) => {
    asked.push(request);
    return { ok: false, code: "PERMISSION_DENIED", message: "no" };
  });
  expect(await Hold.ask(home.path, cancel, signal)).toEqual({
    ok: false,
    code: "PERMISSION_DENIED",
    message: "no",
  });
  expect(asked).toEqual([cancel]);
});

test("after a holder is killed, one of many takes its place", async () => {
  await using home = await scratch();
  await writeFile(join(home.path, "holder.7"), join(home.path, "socket of the dead"));
  const all = await Promise.all(Array.from({ length: 20 }, () => Hold.take(home.path, yes)));
  const holds = all.filter((hold) => hold !== undefined);
  expect(holds.length).toBe(1);
  await holds[0]?.[Symbol.asyncDispose]();
});

test("of many that come and go, no two ever hold at a time", async () => {
  await using home = await scratch();
  let holding = 0;
  let held = 0;
  const comeAndGo = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) {
      const hold = await Hold.take(home.path, yes);
      if (hold === undefined) continue;
      held++;
      expect(++holding).toBe(1);
      await new Promise(setImmediate);
      holding--;
      await hold[Symbol.asyncDispose]();
    }
  };
  await Promise.all(Array.from({ length: 8 }, comeAndGo));
  expect(held).toBeGreaterThan(5);
});

test("a holder that leaves answers what it was asked, and does not wait for a client that asks nothing", async () => {
  await using home = await scratch();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<LocalAnswer>();
  const hold = await Hold.take(home.path, () => {
    asked.resolve();
    return answer.promise;
  });
  const { socket = "" } = (await latestHolder(home.path)) ?? {};
  const silent = createConnection(socket);
  await once(silent, "connect");
  const answered = Hold.ask(home.path, cancel, signal);
  await asked.promise;
  const left = hold?.[Symbol.asyncDispose]();
  answer.resolve({ ok: true });
  expect(await answered).toEqual({ ok: true });
  await left;
  silent.destroy();
});

test("a path that is too long for a socket is held all the same", async () => {
  await using home = await scratch();
  const directory = join(home.path, "d".repeat(120));
  await mkdir(directory);
  await using hold = await Hold.take(directory, yes);
  expect(hold).toBeDefined();
  expect(await Hold.take(directory, yes)).toBeUndefined();
  expect(await Hold.ask(directory, cancel, signal)).toEqual({ ok: true });
});

test("a directory that is gone has no holder", async () => {
  await using home = await scratch();
  const directory = join(home.path, "gone");
  expect(await Hold.take(directory, yes)).toBeUndefined();
  expect(await Hold.ask(directory, cancel, signal)).toBeUndefined();
});

test("a directory that cannot be written is reported", async () => {
  await using home = await scratch();
  const file = join(home.path, "file");
  await writeFile(file, "");
  await expect(Hold.take(file, yes)).rejects.toMatchObject({
    code: "MISUSE",
    message: expect.stringContaining(
      `${file} cannot be written, which coming back to a job requires: `,
    ),
  });
});
