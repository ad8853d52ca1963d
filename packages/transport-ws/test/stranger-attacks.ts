import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { clientFrame, clientHeader } from "./client-frame.ts";
import { upgradeRequest } from "./upgrade-request.ts";

/** What somebody without a token may do with a connection. Returns once the server takes no more. */
type Attack = (socket: Socket) => Promise<void>;

/** The largest message that the server accepts from those it knows. */
const LARGE = 4 * 1024 * 1024;
const TEXT = Buffer.alloc(64 * 1024, "x");
const AUTH = { scheme: "bearer", token: "a guess" };
const HELLO = JSON.stringify({
  arcp: "1.1",
  id: "req_1",
  type: "session.hello",
  payload: { auth: AUTH },
});

/** How long a write may stall, in milliseconds: then the server does not read. */
const STALLED = 1_000;

async function write(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return;
  const over = new AbortController();
  const { signal } = over;
  const ends = ["drain", "close"].map((event) => once(socket, event, { signal }));
  await Promise.race([...ends, pause(STALLED)]).catch(() => {});
  over.abort();
  for (const end of ends) end.catch(() => {});
}

async function upgrade(socket: Socket): Promise<void> {
  await write(socket, upgradeRequest("/arcp"));
  await pause(100);
}

async function most(socket: Socket): Promise<void> {
  await write(socket, clientHeader(LARGE));
  for (let sent = TEXT.length; sent < LARGE; sent += TEXT.length) await write(socket, TEXT);
}

export const strangerAttacks: Readonly<Record<string, Attack>> = {
  "no upgrade": (socket) =>
    write(socket, `GET /arcp HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(15_000)}`),
  silence: upgrade,
  "a large message": async (socket) => {
    await upgrade(socket);
    await most(socket);
  },
  "tiny frames": async (socket) => {
    await upgrade(socket);
    await write(socket, clientFrame("x", { fin: false }));
    const tiny = Array.from({ length: 100 }, () => clientFrame("x", { opcode: 0, fin: false }));
    const bytes = Buffer.concat(tiny);
    for (let i = 0; i < 160; i++) await write(socket, bytes);
  },
  "tiny packets": async (socket) => {
    await upgrade(socket);
    await write(socket, clientHeader(LARGE));
    for (let i = 0; i < 10_000 && !socket.destroyed; i++) {
      socket.write("x");
      await new Promise(setImmediate);
    }
  },
  "more behind a hello": async (socket) => {
    await upgrade(socket);
    await write(socket, clientFrame(HELLO));
    for (let i = 0; i < 3; i++) {
      await write(socket, clientHeader(2 * TEXT.length));
      await write(socket, TEXT);
      await write(socket, TEXT);
    }
    await most(socket);
  },
};
