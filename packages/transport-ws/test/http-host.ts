import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach } from "vitest";

const after: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of after.splice(0).reverse()) await end();
});

/** Has it done after the test, what was asked for last first. */
export function afterwards(end: () => unknown): void {
  after.push(end);
}

/** Lets a server listen until the test is over. @returns its port */
export async function started(server: Server, host = "127.0.0.1"): Promise<number> {
  server.listen(0, host);
  await once(server, "listening");
  afterwards(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A connection that says what a test wants it to, and keeps what it gets. */
export class RawPeer {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  #received = "";

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      this.#received += text;
    });
    afterwards(() => socket.destroy());
  }

  static async open(port: number, text = ""): Promise<RawPeer> {
    const socket = connect(port, "127.0.0.1");
    const peer = new RawPeer(socket);
    await once(socket, "connect");
    peer.say(text);
    return peer;
  }

  say(text: string): void {
    this.socket.write(text, "latin1");
  }

  get received(): string {
    return this.#received;
  }

  /** The status of the answer that it gets, or got. */
  async status(): Promise<number> {
    while (!this.#received.includes("\r\n\r\n")) await once(this.socket, "data");
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.#received)?.[1]);
  }

  /** Resets the connection; resolves once this side has. */
  async reset(): Promise<void> {
    this.socket.resetAndDestroy();
    await this.closed;
  }
}
