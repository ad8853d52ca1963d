import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { ManualClock } from "@arcp/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRelay, type Relay } from "./cut.ts";

let server: Server;
let clock: ManualClock;
let relay: Relay;
let accepted: Socket[];
beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => void accepted.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  clock = new ManualClock();
  relay = await openRelay(typeof address === "object" && address ? address.port : 0, clock);
});
afterEach(async () => {
  await relay[Symbol.asyncDispose]();
  server.close();
});

/** Joins a client to the server through the relay. */
async function join(): Promise<{ client: Socket; served: Socket }> {
  const arrival = once(server, "connection");
  const client = connect(relay.port, "127.0.0.1");
  const [served] = (await arrival) as [Socket];
  return { client, served };
}

/** What arrives until the socket fails, and the error it fails with. */
async function untilBroken(socket: Socket): Promise<{ text: string; code: string | undefined }> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  socket.once("close", () => resolve(undefined));
  return { code: await promise, text };
}

test("carries both directions", async () => {
  const { client, served } = await join();
  client.write("to the server");
  expect(String((await once(served, "data"))[0])).toBe("to the server");
  served.write("to the client");
  expect(String((await once(client, "data"))[0])).toBe("to the client");
  client.destroy();
});

test("resets both sides in the middle of what the server sends", async () => {
  const { client, served } = await join();
  const broken = Promise.all([untilBroken(client), untilBroken(served)]);
  const cut = relay.cut({ after: 4, outage: async () => {} });
  served.write("0123456789");
  expect(await cut).toBe(clock.now());
  const [left, right] = await broken;
  expect([left.code, right.code]).toEqual(["ECONNRESET", "ECONNRESET"]);
  // A reset may overtake what was sent before it; nothing behind the cut ever arrives.
  expect("0123".startsWith(left.text)).toBe(true);
});

test("lets nobody through while it is down, and everybody after", async () => {
  const { client, served } = await join();
  const broken = Promise.all([untilBroken(client), untilBroken(served)]);
  const outage = Promise.withResolvers<void>();
  await relay.cut({ after: 0, outage: () => outage.promise });
  await broken;
  const early = connect(relay.port, "127.0.0.1");
  expect((await untilBroken(early)).code).toBe("ECONNRESET");
  expect(accepted).toHaveLength(1);
  outage.resolve();
  await outage.promise;
  const late = await join();
  late.client.destroy();
});
