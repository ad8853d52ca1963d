import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Frame, frameText } from "@arcp/core";
import type { WebSocket } from "#ws";
import { isEncrypted } from "./encryption.ts";
import { joinTextMessages } from "./framing.ts";
import { WriteMemory } from "./write-memory.ts";

/** Writes each frame as one text message, all at once. Calls `written` once the network has taken them, or has failed. */
export type FrameWriter = (frames: readonly Frame[], written: Written) => void;

export type Written = (error?: Error | null) => void;

/**
 * A server does not mask its messages, so we frame them ourselves and write a batch in one piece. `ws` writes its control messages
 * (pong, close) to the same socket, also as whole messages, so neither ends up inside the other.
 */
export function serverWriter(socket: Duplex): FrameWriter {
  const encrypted = isEncrypted(socket);
  return (frames, written) => {
    // A stream that is not a socket may pass the memory on, and then nobody knows for how long it is in use.
    const memory = socket instanceof Socket ? new WriteMemory() : undefined;
    const joined = joinTextMessages(frames, memory);
    // Over TLS, bytes cost hardly more than strings, which Deno would encode as UTF-8 once several wait.
    const writes = encrypted ? joined.map(bytesOf) : joined;
    const last = writes.pop();
    if (last === undefined) return;
    const done = (error?: Error | null): void => {
      // After a failure, nobody knows who still reads the memory.
      if (error) memory?.abandon();
      else memory?.release();
      written(error);
    };
    if (writes.length > 0) socket.cork();
    for (const write of writes) socket.write(write, "latin1", written);
    socket.write(last, "latin1", memory?.empty === false ? done : written);
    if (writes.length > 0) socket.uncork();
    // The system has taken everything already. The callback comes only once the event loop continues, and until then a burst
    // would use up ever more memory.
    if (socket.writableLength === 0) memory?.release();
  };
}

function bytesOf(write: string | Uint8Array): Uint8Array {
  return typeof write === "string" ? Buffer.from(write, "latin1") : write;
}

/**
 * A client masks its messages, which `ws` does. The socket is corked, so that everything sent before the event loop continues
 * leaves in one write: the acks of a burst of events, for example.
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
