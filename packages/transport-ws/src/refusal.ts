import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/**
 * An HTTP error in place of the upgrade (R-4.1-2): 403 host or origin, 404 path, 405 method, 426 not an upgrade, 503 too many at the
 * moment.
 */
export type RefusalStatus = 403 | 404 | 405 | 426 | 503;

/** Answers a request that did not ask for an upgrade. */
export function refuseRequest(response: ServerResponse, status: RefusalStatus): void {
  response.writeHead(status, headersOf(status)).end(bodyOf(status));
}

/** Answers an upgrade request, for which Node provides no response object, and ends its socket. */
export function refuseUpgrade(socket: Duplex, status: RefusalStatus): void {
  const body = bodyOf(status);
  const headers = Object.entries(headersOf(status)).map(([name, value]) => `${name}: ${value}\r\n`);
  // The server has handed the socket over: without a listener, its reset would end the process.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join("")}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function bodyOf(status: RefusalStatus): string {
  if (status === 503) return "too many connections are waiting for their session: try again later";
  return STATUS_CODES[status] ?? "";
}

function headersOf(status: RefusalStatus): Record<string, string> {
  const headers: Record<string, string> = { "Content-Type": "text/plain", Connection: "close" };
  if (status === 405) headers.Allow = "GET";
  if (status === 503) headers["Retry-After"] = "1";
  if (status === 426) {
    headers.Connection = "close, upgrade";
    headers.Upgrade = "websocket";
  }
  return headers;
}
