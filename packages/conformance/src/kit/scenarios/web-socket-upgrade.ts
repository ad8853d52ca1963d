import assert from "node:assert/strict";
import { onLoopback, webSocket } from "../need.ts";
import { RawSocket, type UpgradeOptions, upgrade } from "../raw-socket.ts";
import type { Scenario } from "../scenario.ts";

const foreign: readonly (readonly [what: string, options: UpgradeOptions])[] = [
  ["the host evil.example", { headers: { host: "evil.example" } }],
  ["a host that only begins like one", { headers: { host: "localhost.evil.example" } }],
  ["a page of evil.example", { origin: "http://evil.example" }],
  ["a page of 127.0.0.1.evil.example", { origin: "https://127.0.0.1.evil.example" }],
  ["a page without an origin of its own", { origin: "null" }],
];

export const webSocketUpgrade: readonly Scenario[] = [
  {
    name: "the endpoint is at /arcp",
    verifies: ["R-4.1-2"],
    needs: [webSocket],
    async play(site) {
      const { status, socket } = await upgrade(new URL("/arcp", site.url).href);
      socket?.terminate();
      assert.equal(status, 101);
    },
  },
  {
    name: "an upgrade on another path is answered with an HTTP error",
    verifies: ["R-4.1-2"],
    needs: [webSocket],
    async play(site) {
      for (const path of ["/other", "/", "/arcp/no-such-thing"]) {
        const { status, socket } = await upgrade(new URL(path, site.url).href);
        socket?.terminate();
        assert.ok(status >= 400 && status < 600, `${path} is answered by ${status}`);
      }
    },
  },
  {
    name: "on loopback an upgrade for a foreign host or from a foreign page gets 403",
    verifies: ["R-4.1-9"],
    needs: [onLoopback],
    async play(site) {
      for (const [what, options] of foreign) {
        const { status, socket } = await upgrade(site.url, options);
        socket?.terminate();
        assert.equal(status, 403, `${what} is answered by ${status}`);
      }
    },
  },
  {
    name: "on loopback an upgrade for a loopback name succeeds, from its own pages and without an origin",
    verifies: ["R-4.1-9"],
    needs: [onLoopback],
    async play(site) {
      const { port } = new URL(site.url);
      const own: readonly UpgradeOptions[] = [
        {},
        { headers: { host: `localhost:${port}` } },
        { headers: { host: `127.0.0.1:${port}` }, origin: "http://localhost:5173" },
      ];
      for (const options of own) {
        using raw = await RawSocket.open(site.url, options);
        raw.close();
      }
    },
  },
];
