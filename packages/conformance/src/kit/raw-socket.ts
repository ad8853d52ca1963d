import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { LocalError, newMessageId } from "@arcp/core";
import { WebSocket } from "ws";
import { inTime } from "../in-time.ts";
import { type JsonObject, parseJsonObject } from "../json-object.ts";
import type { WireMessage } from "../wire/sent.ts";

/** What an upgrade request carries besides its address. */
export interface UpgradeOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The page that a browser claims to come from. */
  readonly origin?: string;
}

/** Milliseconds that each wait may last. */
const PATIENCE_MS = 10_000;

/**
 * A WebSocket without any protocol on top of it, for what a well-behaved client cannot show: it sends whatever it is told to, and
 * returns the code with which it was closed. Opened without heartbeats, so nothing has to be answered.
 */
export class RawSocket implements Disposable {
  readonly #socket: WebSocket;
  readonly #messages: JsonObject[] = [];
  readonly #closed: Promise<number>;
  #arrival = Promise.withResolvers<void>();
  #ended = false;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on("close", (code) => {
        this.#ended = true;
        resolve(code);
        this.#arrival.resolve();
      });
    });
    socket.on("message", (data, binary) => {
      this.#messages.push(
        binary ? { binary } : (parseJsonObject(`${data}`) ?? { text: `${data}` }),
      );
      this.#arrival.resolve();
    });
    // The code shows what is wrong.
    socket.on("error", () => {});
  }

  /** @throws LocalError `TRANSPORT_CLOSED` when the upgrade is refused */
  static async open(url: string, options: UpgradeOptions = {}): Promise<RawSocket> {
    const { status, socket } = await upgrade(url, options);
    if (socket !== undefined) return new RawSocket(socket);
    throw new LocalError("TRANSPORT_CLOSED", `${url} answers HTTP ${status}`);
  }

  /** A socket with a session that has agreed on no feature. */
  static async greeted(
    url: string,
    token: string,
  ): Promise<{ raw: RawSocket; session: string; resumeToken: string }> {
    const raw = await RawSocket.open(url);
    raw.send(hello(token));
    const { type, session_id, payload } = await raw.next();
    assert.equal(type, "session.welcome", "the socket is not welcomed");
    return {
      raw,
      session: `${session_id}`,
      resumeToken: `${(payload as JsonObject).resume_token}`,
    };
  }

  /** The sub-protocol that was agreed on; empty if there is none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** The code with which it is closed: 1005 if the frame had none, 1006 if there was no close frame. */
  get closed(): Promise<number | "still open"> {
    return inTime(this.#closed, PATIENCE_MS, () => "still open" as const);
  }

  /** Sends text as it is, or an object as JSON; bytes are sent as text unless they are `binary`. */
  send(data: object | string | Uint8Array, options: { readonly binary?: boolean } = {}): void {
    const raw = typeof data === "string" || data instanceof Uint8Array;
    this.#socket.send(raw ? data : JSON.stringify(data), { binary: options.binary ?? false });
  }

  /** Sends one message in several WebSocket frames. */
  sendInPieces(pieces: readonly (string | Uint8Array)[]): void {
    for (const [index, piece] of pieces.entries()) {
      this.#socket.send(piece, { binary: false, fin: index === pieces.length - 1 });
    }
  }

  /** The next message; `{ binary }` or `{ text }` instead if it is not the text of a JSON object. */
  async next(): Promise<JsonObject> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#ended) throw new LocalError("TRANSPORT_CLOSED", "the socket was closed");
      this.#arrival = Promise.withResolvers();
      await inTime(this.#arrival.promise, PATIENCE_MS, () => {
        throw new LocalError("REQUEST_TIMEOUT", `waited ${PATIENCE_MS} ms for a message`);
      });
    }
  }

  /** All messages until the socket is closed. */
  async rest(): Promise<JsonObject[]> {
    await this.closed;
    return this.#messages.splice(0);
  }

  /** Closes it with a code, as a client does. */
  close(code?: number): void {
    this.#socket.close(code);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

/**
 * Asks for an upgrade.
 *
 * @returns the HTTP status, and the socket when it is 101
 */
export async function upgrade(
  url: string,
  { headers = {}, origin }: UpgradeOptions = {},
): Promise<{ status: number; socket?: WebSocket }> {
  const socket = new WebSocket(url, {
    headers: { ...headers },
    ...(origin === undefined ? {} : { origin }),
    perMessageDeflate: false,
    handshakeTimeout: PATIENCE_MS,
  });
  const refused = new Promise<number>((resolve) => {
    socket.once("unexpected-response", (_request, { statusCode = 0 }: IncomingMessage) => {
      resolve(statusCode);
      socket.on("error", () => {});
      socket.terminate();
    });
  });
  const status = await Promise.race([refused, once(socket, "open").then(() => 101)]);
  return status === 101 ? { status, socket } : { status };
}

/** The opening request of a client without features; `fields` replace those of the envelope. */
export function hello(token: string, fields: object = {}): WireMessage {
  return {
    arcp: "1.1",
    id: newMessageId("req_"),
    type: "session.hello",
    payload: {
      client: { name: "arcp-conformance", version: "1.0.0" },
      auth: { scheme: "bearer", token },
      capabilities: { encodings: ["json"], features: [] },
    },
    ...fields,
  };
}
