import {
  type CloseReason,
  FrameQueue,
  LocalError,
  type Transport,
  TransportClosedError,
} from "@arcp/core";
import { type RawData, WebSocket } from "ws";
import type { Line, Target } from "./target.ts";

/** Milliseconds that a connection may take to open. */
const OPENING_MS = 5000;

const reasons: Readonly<Record<number, CloseReason>> = {
  1000: "normal",
  1001: "going-away",
  1003: "not-text",
  1008: "refused",
  1009: "too-big",
  1011: "fault",
};

/**
 * A runtime at a `ws:` or `wss:` address, reached by a plain WebSocket that shares nothing with `@arcp/transport-ws`.
 *
 * @throws LocalError `MISUSE` for an invalid address
 */
export function webSocketTarget(url: string, tokens: Target["tokens"]): Target {
  if (!/^wss?:\/\/[^\s#]+$/.test(url) || !URL.canParse(url)) {
    throw new LocalError(
      "MISUSE",
      `${url} is not the address of a runtime: use one like ws://127.0.0.1:8080/arcp`,
    );
  }
  return { url, tokens, connect: () => connect(url) };
}

/** @throws LocalError `TRANSPORT_CLOSED`, in one line, if no WebSocket can be opened */
async function connect(url: string): Promise<Line> {
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    maxPayload: 16 * 1024 * 1024,
    handshakeTimeout: OPENING_MS,
  });
  const line = new SocketLine(socket);
  await new Promise<void>((resolve, reject) => {
    const fail = (text: string): void => {
      reject(new LocalError("TRANSPORT_CLOSED", text));
      socket.terminate();
    };
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, { statusCode }) =>
      fail(`${url} answers HTTP ${statusCode} instead of opening a WebSocket`),
    );
    socket.on("error", (error: NodeJS.ErrnoException) => fail(failureText(url, error)));
  });
  return line;
}

/** In one line, although OpenSSL would write more. */
function failureText(url: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === "ECONNREFUSED") return `nothing listens at ${url}`;
  if (code === "ENOTFOUND") return `${url} names an unknown host`;
  if (/wrong version number|packet length too long/.test(message))
    return `${url} does not speak TLS: try ws:`;
  return `${url} does not open a WebSocket: ${message.split("\n", 1)[0] || code}`;
}

class SocketLine implements Line {
  readonly transport: Transport;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    const frames = new FrameQueue();
    let left = false;
    socket.on("message", (data: RawData, binary) => {
      // No runtime sends binary messages; the text that stands in for one does not pass the sniffer.
      frames.push(binary ? "a binary message" : String(data));
    });
    socket.on("close", (code) => {
      const reason = reasons[code];
      frames.end(left || reason === "normal" ? undefined : new TransportClosedError(reason));
    });
    this.transport = {
      frames,
      send: (texts) => this.#send(texts),
      close: () => {
        left = true;
        socket.close(1000);
      },
    };
  }

  sever(): void {
    this.#socket.terminate();
  }

  stall(): void {
    this.#socket.pause();
  }

  release(): void {
    this.#socket.resume();
  }

  async #send(texts: readonly string[]): Promise<void> {
    const sendings = texts.map(
      (text) =>
        new Promise<void>((resolve, reject) => {
          this.#socket.send(text, (error) =>
            error ? reject(new TransportClosedError(undefined, { cause: error })) : resolve(),
          );
        }),
    );
    await Promise.all(sendings);
  }
}
