import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type Clock, systemClock } from "@arcp/core";

export interface CutOptions {
  /** Bytes that still pass to the client, even if the last of them is within a frame. */
  readonly after: number;
  /** Called when it happens: no new connection is let through until the returned promise resolves. */
  readonly outage: () => Promise<unknown>;
}

/** A TCP relay on loopback that stands between a client and its server, and can break the connection. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /**
   * Resets (RST) both sides of every connection in the middle of what the server sends.
   * @returns when it happened, milliseconds since 1970
   */
  cut(options: CutOptions): Promise<number>;
}

/** @param target the port on loopback that it leads to */
export async function openRelay(target: number, clock: Clock = systemClock): Promise<Relay> {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let isDown = false;
  let broken: (() => void) | undefined;

  const tie = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    // A break on one side must look the same on the other.
    socket.on("error", () => other.resetAndDestroy());
    socket.on("close", () => {
      sockets.delete(socket);
      other.destroy();
    });
  };

  const server = createServer((client) => {
    if (isDown) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target, "127.0.0.1");
    tie(client, upstream);
    tie(upstream, client);
    client.pipe(upstream);
    upstream.on("data", (chunk) => {
      const passing = chunk.subarray(0, left);
      left -= passing.length;
      if (!client.write(passing)) {
        upstream.pause();
        client.once("drain", () => upstream.resume());
      }
      if (left === 0) broken?.();
    });
    upstream.on("end", () => client.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");

  return {
    port: address.port,
    cut({ after, outage }) {
      const { promise, resolve } = Promise.withResolvers<number>();
      broken = () => {
        broken = undefined;
        left = Number.POSITIVE_INFINITY;
        isDown = true;
        for (const socket of sockets) socket.resetAndDestroy();
        void outage().then(() => {
          isDown = false;
        });
        resolve(clock.now());
      };
      left = after;
      if (after === 0) broken();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
