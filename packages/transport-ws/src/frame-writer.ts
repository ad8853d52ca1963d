import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Frame, frameText } from "@arcp/core";
import type { WebSocket } from "#ws";
import { isEncrypted } from "./encryption.ts";
import { joinTextMessages } from "./framing.ts";
import { WriteMemory } from "./write-memory.ts";

/** Writes each frame as one text message, all at once; calls `written` as the network takes them, or fails to. */
export type FrameWriter = (frames: readonly Frame[], written: Written) => void;

export type Written = (error?: Error | null) => void;

/**
 * A server's messages are not masked, so we frame them ourselves and write a batch in one piece. `ws` writes its control
 * messages (pong, close) to the same socket, whole as well, so neither lands inside the other.
 */
export function serverWriter(socket: Duplex): FrameWriter {
  const encrypted = isEncrypted(socket);
  return (frames, written) => {
    // A stream that is no socket may hand on what it was given, and nobody knows for how long.
    const memory = socket instanceof Socket ? new WriteMemory() : undefined;
    const joined = joinTextMessages(frames, memory);
    // Bytes cost hardly more over TLS, where Deno takes strings for UTF-8 once several wait.
    const writes = encrypted ? joined.map(bytesOf) : joined;
    const last = writes.pop();
    if (last === undefined) return;
    const done = (error?: Error | null): void => {
      // After a failure nobody knows who still reads it.
      if (error) memory?.abandon();
      else memory?.release();
      written(error);
    };
    if (writes.length > 0) socket.cork();
    for (const write of writes) socket.write(write, "latin1", written);
    socket.write(last, "latin1", memory?.empty === false ? done : written);
    if (writes.length > 0) socket.uncork();
    // All is with the system already. That it is done is said only once the event loop goes on, and until then a burst
    // would take ever more of it.
    if (socket.writableLength === 0) memory?.release();
  };
}

function bytesOf(write: string | Uint8Array): Uint8Array {
  return typeof write === "string" ? Buffer.from(write, "latin1") : write;
}

/**
 * A client's messages are masked, which is the work of `ws`; corked, all that is sent before the event loop goes on leaves in
 * one write: the acks of a burst of events, for instance.
 */
export function clientWriter(ws: WebSocket, socket: Duplex): FrameWriter {
  let corked = false;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  return (frames, written) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    for (const frame of frames) ws.send(frameText(frame), written);
  };
}
