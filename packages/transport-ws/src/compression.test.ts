import { createServer } from "node:http";
import { expect, test } from "vitest";
import { costOf, logEvents, WAYS, words } from "../test/compression.ts";
import { RawPeer, started } from "../test/http-host.ts";
import { upgradeRequest } from "../test/upgrade-request.ts";
import { attach } from "./attach.ts";

test("compression is never negotiated, even if it is offered", async () => {
  const server = createServer();
  attach(server, {}, (transport) => transport.send(["x".repeat(2_000)]));
  const port = await started(server);
  const offer = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
  const peer = await RawPeer.open(port, upgradeRequest("/arcp", offer));
  expect(await peer.status()).toBe(101);
  expect(peer.received).not.toMatch(/permessage-deflate/i);
  await expect.poll(() => peer.received).toContain("x".repeat(2_000));
});

// The soak `compression` is the long form, which also compares the time it takes.
test("compression would save the stated share of small events and of text", async () => {
  const small = logEvents(200, (i) => `page ${i} of 200 done`);
  const large = logEvents(10, () => words(16 * 1024));
  for (const [frames, alone, together] of [
    [small, 0.95, 0.3],
    [large, 0.6, 0.6],
  ] as const) {
    const bytes = new Map<string, number>();
    for (const way of WAYS) bytes.set(way, (await costOf(way, frames, 8)).bytes);
    const plain = bytes.get("joined") ?? Number.NaN;
    expect(bytes.get("one by one")).toBe(plain);
    expect(bytes.get("deflate alone")).toBeLessThan(alone * plain);
    expect(bytes.get("deflate")).toBeLessThan(together * plain);
  }
});
