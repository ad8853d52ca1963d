import { once } from "node:events";
import { createServer } from "node:http";

/** A site with numbered pages of text. It counts its visitors, and never answers the first one of some pages. */
export interface Site extends AsyncDisposable {
  readonly url: string;
  /** How often each page was requested, by number. */
  readonly visits: ReadonlyMap<number, number>;
  /** Resolves when a visitor waits for this page. */
  waitedFor(page: number): Promise<void> | undefined;
}

/** @param slow the pages whose first visitor waits */
export async function openSite(slow: readonly number[]): Promise<Site> {
  const visits = new Map<number, number>();
  const waiting = new Map(slow.map((page) => [page, Promise.withResolvers<void>()]));
  const server = createServer((request, response) => {
    const page = Number(request.url?.slice(1));
    const visit = (visits.get(page) ?? 0) + 1;
    visits.set(page, visit);
    if (visit === 1 && waiting.has(page)) waiting.get(page)?.resolve();
    else response.end("word ".repeat(page).trimEnd());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the site has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    visits,
    waitedFor: (page) => waiting.get(page)?.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
