import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { CloseReason, Dial, Transport } from "@arcp/core";
import { FrameQueue, HIGH_WATER_MARK, TransportClosedError } from "@arcp/core";

const reasons = ["normal", "going-away", "refused", "fault", "too-big", "not-text"] as const;

/** A frame is a line. The last line is the bare word why a side closes: without it the connection broke. */
export function unixTransport(socket: Socket): Transport {
  const frames = new FrameQueue(() => frames.waiting < HIGH_WATER_MARK && socket.resume());
  let rest = "";
  let room: PromiseWithResolvers<void> | undefined;
  let closed: TransportClosedError | undefined;

  const end = (reason: CloseReason | undefined, inOrder = reason === "normal"): void => {
    if (closed) return;
    closed = new TransportClosedError(reason);
    frames.end(inOrder ? undefined : closed);
    room?.resolve();
    socket.end(`${reason}\n`).resume(); // the peer's end stands behind what nobody reads any more
    socket.setTimeout(2_000, () => socket.destroy()); // in which nothing moves
  };
  socket.setEncoding("utf8").on("data", (text) => {
    const lines = `${rest}${text}`.split("\n");
    rest = closed ? "" : (lines.pop() ?? "");
    for (const line of lines) {
      const goodbye = reasons.find((reason) => reason === line);
      if (goodbye) end(goodbye);
      else frames.push(line);
    }
    if (rest.length > 4 * 1024 * 1024) end("too-big");
    if (frames.waiting > HIGH_WATER_MARK && !closed) socket.pause();
  });
  socket.on("error", () => {}).on("close", () => end(undefined));
  const written = (): void => {
    if (socket.destroyed) end(undefined);
    room?.resolve();
    room = undefined;
  };
  const send = async (batch: readonly string[]): Promise<void> => {
    if (!closed && batch.length > 0) socket.write(`${batch.join("\n")}\n`, written);
    while (!closed && socket.writableLength > HIGH_WATER_MARK) {
      room ??= Promise.withResolvers();
      await room.promise;
    }
    if (closed) throw closed;
  };
  return { frames, send, close: (reason = "normal") => end(reason, true) };
}

export function dialUnix(path: string): Dial {
  return async (signal) => {
    const socket = connect(path);
    await once(socket, "connect", { signal }).catch((cause: unknown) => {
      socket.destroy();
      throw signal.aborted ? signal.reason : new TransportClosedError(undefined, { cause });
    });
    return unixTransport(socket);
  };
}
