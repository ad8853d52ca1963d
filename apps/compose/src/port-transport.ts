import { once } from "node:events";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import {
  type CloseReason,
  type Dial,
  FrameQueue,
  HIGH_WATER_MARK,
  type Transport,
  TransportClosedError,
} from "@arcp/core";

// The transport interface: strings in, strings out, and a send that stays pending while too much waits.

/** What passes through a port. */
type Message =
  | { readonly frames: readonly string[] }
  /** How many characters its reader has taken so far. */
  | { readonly taken: number }
  | { readonly goodbye: CloseReason };

/** A transport over a port, between this thread and another one. */
export function portTransport(port: MessagePort): Transport {
  let sent = 0;
  let takenThere = 0;
  let came = 0;
  let told = 0;
  let room: PromiseWithResolvers<void> | undefined;
  let closed: TransportClosedError | undefined;
  const post = (message: Message): void => port.postMessage(message);

  // A port has no back-pressure: each end tells the other one how much it has read.
  const frames = new FrameQueue(() => {
    const taken = came - frames.waiting;
    if (taken - told < HIGH_WATER_MARK / 4) return;
    told = taken;
    post({ taken });
  });
  const end = (reason: CloseReason | undefined, inOrder = reason === "normal"): void => {
    if (closed !== undefined) return;
    closed = new TransportClosedError(reason);
    frames.end(inOrder ? undefined : closed);
    room?.resolve();
    port.close();
  };

  port.on("message", (message: Message) => {
    if ("frames" in message) {
      for (const frame of message.frames) {
        came += weight(frame);
        frames.push(frame);
      }
    } else if ("taken" in message) {
      takenThere = message.taken;
      room?.resolve();
      room = undefined;
    } else end(message.goodbye);
  });
  // The port closed without a goodbye: the other thread is gone.
  port.on("close", () => end(undefined));

  return {
    frames,
    async send(batch) {
      if (closed === undefined && batch.length > 0) {
        for (const frame of batch) sent += weight(frame);
        post({ frames: batch });
      }
      while (closed === undefined && sent - takenThere > HIGH_WATER_MARK) {
        room ??= Promise.withResolvers();
        await room.promise;
      }
      if (closed !== undefined) throw closed;
    },
    close(reason = "normal") {
      if (closed === undefined) post({ goodbye: reason });
      end(reason, true);
    },
  };
}

/** As a queue weighs what waits in it. */
function weight(frame: string): number {
  return Math.max(1, frame.length);
}

/** Dials a worker, which accepts the ports with {@link servePorts}. */
export function dialWorker(worker: Worker): Dial {
  return async (signal) => {
    signal.throwIfAborted();
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port2, [port2]);
    await once(port1, "message", { signal }).catch(() => {
      port1.close();
      throw signal.reason;
    });
    return portTransport(port1);
  };
}

/** Accepts the ports that are sent to this thread. */
export function servePorts(parent: MessagePort, accept: (transport: Transport) => unknown): void {
  parent.on("message", (port: MessagePort) => {
    port.postMessage("taken");
    void accept(portTransport(port));
  });
}
