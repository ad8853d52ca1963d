import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import { at, type JsonObject } from "../../json-object.ts";
import { webSocket } from "../need.ts";
import { hello, RawSocket } from "../raw-socket.ts";
import type { Scenario } from "../scenario.ts";
import { ping, resume } from "./web-socket.ts";

/** What ends a connection before it has a session, and the code of the error. */
const refused: readonly (readonly [
  what: string,
  error: string,
  frame: (token: string) => object,
])[] = [
  ["a token that nobody knows", "UNAUTHENTICATED", () => hello("nobody has this token")],
  ["a resume with an unknown token", "RESUME_WINDOW_EXPIRED", (token) => resume(token, "rt_no")],
  ["a ping before the hello", "INVALID_REQUEST", () => ping("early")],
];

export const webSocketClose: readonly Scenario[] = [
  ...refused.map(
    ([what, error, frame]): Scenario => ({
      name: `${what} is answered with ${error} and then with close code 1008`,
      verifies: ["R-4.1-11"],
      needs: [webSocket],
      async play(site) {
        using raw = await RawSocket.open(site.url);
        raw.send(frame(site.tokens.first));
        const code = await raw.closed;
        const said = (await raw.rest()).map((message) => [
          message.type,
          at(message, "payload.code"),
        ]);
        assert.deepEqual(said, [["session.error", error]]);
        assert.equal(code, 1008);
      },
    }),
  ),
  {
    name: "session.close is answered with session.closed and then with close code 1000",
    verifies: ["R-4.1-11"],
    needs: [webSocket],
    async play(site) {
      const { raw, session } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      raw.send(request("session.close", session));
      const code = await raw.closed;
      assert.deepEqual(
        (await raw.rest()).map(({ type }) => type),
        ["session.closed"],
      );
      assert.equal(code, 1000);
    },
  },
  {
    name: "session.bye is answered with close code 1000 alone",
    verifies: ["R-4.1-11"],
    needs: [webSocket],
    async play(site) {
      const { raw, session } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      raw.send(request("session.bye", session));
      assert.equal(await raw.closed, 1000);
    },
  },
  {
    name: "the socket that a resume replaces is closed with 1008",
    verifies: ["R-4.1-11"],
    needs: [webSocket],
    async play(site) {
      const { raw, resumeToken } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      using next = await RawSocket.open(site.url);
      next.send(resume(site.tokens.first, resumeToken));
      assert.equal((await next.next()).type, "session.welcome");
      assert.equal(await raw.closed, 1008);
    },
  },
  {
    name: "text that is not UTF-8 is closed with 1007",
    verifies: ["R-4.1-11"],
    needs: [webSocket],
    async play(site) {
      const { raw } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      raw.send(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d));
      assert.equal(await raw.closed, 1007);
    },
  },
];

function request(type: string, session: string): JsonObject {
  return { arcp: "1.1", id: newMessageId("req_"), type, session_id: session, payload: {} };
}
