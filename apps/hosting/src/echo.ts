import type { IncomingMessage } from "node:http";
import type { Server } from "node:net";
import { setTimeout } from "node:timers/promises";
import { WebSocketServer } from "ws";

/** Stands for a database query about the client, during which nobody listens to the socket. */
async function isKnown(request: IncomingMessage): Promise<boolean> {
  await setTimeout(100);
  return request.headers.host !== undefined;
}

/**
 * Another WebSocket endpoint of the same server, such as a site may have had for years: plain `ws`, which knows nothing of ARCP.
 */
export function addEcho(server: Server, path = "/echo"): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  server.on("upgrade", async (request, socket, head) => {
    if (request.url !== path) return;
    if (!(await isKnown(request))) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit("connection", ws, request));
  });
  return sockets;
}

/** Closes its open connections, so that its server can end. */
export function closeEcho(sockets: WebSocketServer): void {
  for (const socket of sockets.clients) socket.close(1001);
}
