import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { LocalSocket, pipePath } from "./local-socket.ts";

test("on Windows a submission is answered for on a named pipe, elsewhere on a socket in its directory", () => {
  const directory = "/state/arcp/submissions/sub_01";
  expect(pipePath(directory, "ABCD", "win32")).toBe("\\\\.\\pipe\\arcp-sub_01-ABCD");
  expect(pipePath(directory, "ABCD", "linux")).toBeUndefined();
  expect(pipePath(directory, "ABCD", "darwin")).toBeUndefined();
});

test("a request is answered although its peer keeps its side open, as a named pipe has no sides", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "arcp-"));
  await using socket = await LocalSocket.open(directory.path, "s", async ({ reason }) => ({
    ok: false,
    code: "CLOSED",
    message: `not for ${reason}`,
  }));
  const peer = createConnection({ path: socket.path, allowHalfOpen: true });
  await once(peer, "connect");
  peer.write('{"do":"cancel",');
  peer.write('"reason":"fun"}\n');
  expect(JSON.parse(await text(peer))).toEqual({
    ok: false,
    code: "CLOSED",
    message: "not for fun",
  });
  peer.destroy();
  const { signal } = new AbortController();
  const request = { do: "cancel", reason: "two\nlines" } as const;
  expect(await LocalSocket.ask(socket.path, request, signal)).toMatchObject({
    message: "not for two\nlines",
  });
  expect(await LocalSocket.isAlive(socket.path)).toBe(true);
});

test("nobody is asked where nobody listens", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "arcp-"));
  const gone = await LocalSocket.open(directory.path, "s", async () => ({ ok: true }));
  await gone[Symbol.asyncDispose]();
  expect(await LocalSocket.isAlive(gone.path)).toBe(false);
  const { signal } = new AbortController();
  expect(await LocalSocket.ask(gone.path, { do: "cancel" }, signal)).toBeUndefined();
});
