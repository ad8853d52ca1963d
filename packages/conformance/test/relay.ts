import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Stands between a client and a server as a piece of network, which breaks when it is told to. */
export class Relay {
  readonly url: string;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  readonly #budget: () => number;
  readonly #parted = new EventEmitter();
  #stalled = false;

  private constructor(server: Server, port: number, budget: () => number) {
    this.#server = server;
    this.#budget = budget;
    const address = server.address() as AddressInfo;
    this.url = `ws://127.0.0.1:${address.port}/arcp`;
    server.on("connection", (client) => this.#join(client, connect(port, "127.0.0.1")));
  }

  /**
   * @param port of the server on this machine
   * @param budget asked for each connection: the bytes that come back before it breaks
   */
  static async to(port: number, budget = () => Number.POSITIVE_INFINITY): Promise<Relay> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Relay(server, port, budget);
  }

  /** Breaks all connections at once; new ones may come. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** Takes nothing more from the server. */
  stall(): void {
    this.#stalled = true;
    for (const [, server] of this.#pairs) server.pause();
  }

  release(): void {
    this.#stalled = false;
    for (const [, server] of this.#pairs) server.resume();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  /** Takes no more, and resolves once the connections have come to their own ends. */
  async over(): Promise<void> {
    this.#server.close();
    while (this.#pairs.size > 0) await once(this.#parted, "pair");
  }

  #join(client: Socket, server: Socket): void {
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    let left = this.#budget();
    const part = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
      this.#parted.emit("pair");
    };
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on("data", (data) => {
      if (server.write(data)) return;
      client.pause();
      server.once("drain", () => client.resume());
    });
    server.on("data", (data) => {
      const passed = data.subarray(0, left);
      left -= data.length;
      if (left <= 0) {
        this.#pairs.delete(pair);
        client.write(passed, () => client.resetAndDestroy());
        server.resetAndDestroy();
      } else if (!client.write(passed)) {
        server.pause();
        client.once("drain", () => this.#stalled || server.resume());
      }
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on("error", part);
      socket.on("end", () => other.end());
      socket.on("close", part);
    }
  }
}
