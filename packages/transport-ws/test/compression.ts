import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { encode, newJobId, newMessageId, newSessionId } from "@arcp/core";
import { WebSocketServer } from "ws";
import { serverWriter } from "../src/frame-writer.ts";
import { upgradeRequest } from "./upgrade-request.ts";

/** How a server sends: as ours does, or message by message through `ws`, which is how it could compress. */
export const WAYS = ["joined", "one by one", "deflate", "deflate alone"] as const;
export type Way = (typeof WAYS)[number];

/** What one event costs its sender. */
export interface Cost {
  /** Bytes on the wire. */
  readonly bytes: number;
  /** Microseconds of processor time, those of compression threads and of throwing the bytes away included. */
  readonly cpu: number;
}

/** Log events of one job as they stand on the wire. @param text what each of them says */
export function logEvents(count: number, text: (i: number) => string): string[] {
  const header = { session_id: newSessionId(), job_id: newJobId() };
  return Array.from({ length: count }, (_, i) => {
    const body = { level: "info", message: text(i) };
    const payload = { kind: "log", ts: new Date(i).toISOString(), body };
    const id = newMessageId();
    return encode({ id, type: "job.event", ...header, event_seq: i + 1, payload });
  });
}

/** Random words: the least favourable text that is still one. */
export function words(length: number): string {
  const vocabulary =
    "the runtime sends each event once and in order to whoever watches a job".split(" ");
  const said: string[] = [];
  for (let size = 0; size < length; ) {
    const letters = Math.random().toString(36).slice(2, 7);
    const word =
      Math.random() < 0.3
        ? letters
        : (vocabulary[Math.floor(Math.random() * vocabulary.length)] ?? "");
    said.push(word);
    size += word.length + 1;
  }
  return said.join(" ").slice(0, length);
}

/**
 * Sends frames to a peer that throws them away, in batches as a session does, the next when the last one is written.
 * "alone" compresses each message for itself, so that none gives away what another says.
 */
export async function costOf(way: Way, frames: readonly string[], batch: number): Promise<Cost> {
  const compressed = way === "deflate" || way === "deflate alone";
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: compressed && { threshold: 0, serverNoContextTakeover: way !== "deflate" },
  });
  const connected = once(sockets, "connection");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1").resume();
  peer.on("error", () => {});
  peer.write(upgradeRequest("/", { "Sec-WebSocket-Extensions": "permessage-deflate" }));
  const [ws, { socket }] = await connected;
  const write = way === "joined" ? serverWriter(socket) : undefined;
  const send = (some: readonly string[]): Promise<void> =>
    new Promise((resolve) => {
      let left = some.length;
      const sent = (): void => {
        left -= 1;
        if (left === 0) resolve();
      };
      if (write === undefined) for (const frame of some) ws.send(frame, sent);
      else write(some, () => resolve());
    });
  const before = { bytes: socket.bytesWritten, cpu: process.cpuUsage() };
  for (let i = 0; i < frames.length; i += batch) await send(frames.slice(i, i + batch));
  const { user, system } = process.cpuUsage(before.cpu);
  const bytes = socket.bytesWritten - before.bytes;
  ws.terminate();
  peer.destroy();
  sockets.close();
  server.close();
  await once(server, "close");
  return { bytes: bytes / frames.length, cpu: (user + system) / frames.length };
}
