import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { createRuntime, tokenTable } from "@arcp/runtime";
import { attach } from "@arcp/transport-ws";
import type { PageFiles } from "./bundle.ts";
import { ticker } from "./ticker.ts";

/** A web server with the page, and a runtime beside it. */
export class Site implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://page").pathname;
    const file = this.#files.get(path === "/" ? "/index.html" : path);
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": file.type }).end(file.body);
  });
  readonly #runtime = createRuntime({ agents: [ticker], auth: tokenTable({ visitor: "visitor" }) });
  readonly #endpoint = attach(this.#server, {}, (transport, peer, { socket }) => {
    this.dialled += 1;
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#runtime.serve(transport, peer);
  });
  readonly #files: PageFiles;
  readonly #sockets = new Set<Duplex>();
  /** How many WebSockets were opened. */
  dialled = 0;
  /** Whether new connections are closed at once. */
  refuses = false;

  constructor(files: PageFiles = new Map()) {
    this.#files = files;
    this.#server.on("connection", (socket) => {
      if (this.refuses) socket.destroy();
    });
  }

  /** @returns the site's address, on a free port of this machine */
  async open(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/`;
  }

  /** Cuts every WebSocket abruptly, without a close frame. @returns how many there were */
  cut(): number {
    const sockets = [...this.#sockets];
    for (const socket of sockets) socket.destroy();
    this.#sockets.clear();
    return sockets.length;
  }

  /** How many jobs there are, running and finished. */
  async jobs(): Promise<number> {
    let count = 0;
    for await (const _ of this.#runtime.jobs.list()) count += 1;
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runtime.close();
    await this.#endpoint.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
