import type { Transport } from "@arcp/core";
import { dial, type ListeningServer, listen } from "@arcp/transport-ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Relay } from "../../test/relay.ts";
import { missing, type OpenConnection, type OpenTransport } from "./transport-case.ts";
import { transportContract } from "./transport-contract.ts";

interface Relayed extends OpenConnection {
  readonly relay: Relay;
}

const arrivals: PromiseWithResolvers<Transport>[] = [];
let server: ListeningServer;
let dialled: ListeningServer;
beforeAll(async () => {
  // Its cases begin with messages of any size, which a stranger may not.
  const maxOpeningSize = 16 * 1024 * 1024;
  server = await listen({ port: 0, maxOpeningSize }, (transport) =>
    arrivals.shift()?.resolve(transport),
  );
  dialled = await listen({ port: 0 }, () => {});
});
afterAll(() => Promise.all([server.close(), dialled.close()]));

const webSocket: OpenTransport<Relayed> = {
  async open() {
    const relay = await Relay.to(Number(new URL(server.url).port));
    const arrival = Promise.withResolvers<Transport>();
    arrivals.push(arrival);
    const client = await dial(relay.url)(new AbortController().signal);
    return { client, runtime: await arrival.promise, relay };
  },
  release: ({ relay }) => relay.over(),
  sever: ({ relay }) => relay.cut(),
  reasons: true,
  dial: (signal) => dial(dialled.url)(signal),
};

describe("the transport contract over WebSocket", () => {
  test.each(transportContract)("$name", (transportCase) => transportCase.run(webSocket));

  test("skips none of it", () => {
    expect(transportContract.flatMap((one) => missing(one, webSocket))).toEqual([]);
  });
});
