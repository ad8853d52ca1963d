import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it arrived. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a path answers with: a status and a location, or whatever the function does itself. */
export type Answer =
  | readonly [status: number, location: string]
  | ((reply: ServerResponse) => void);

/** A server on the loopback that remembers its requests. Paths not given are answered with `200` and their name. */
export async function site(answers: Readonly<Record<string, Answer>> = {}) {
  const received: Received[] = [];
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const answer = answers[url];
    if (answer === undefined) reply.end(`at ${url}`);
    else if (typeof answer === "function") answer(reply);
    else reply.writeHead(answer[0], { location: answer[1] }).end("moved");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    received,
    /** How many connections are open. */
    connections: () =>
      new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
