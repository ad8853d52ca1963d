import assert from "node:assert/strict";
import { newMessageId } from "@arcp/core";
import type { JsonObject } from "../../json-object.ts";
import { webSocket } from "../need.ts";
import { hello, RawSocket } from "../raw-socket.ts";
import type { Scenario } from "../scenario.ts";

/** The bytes of an inbound message that a runtime allows by default, 4 MiB. */
const INBOUND_BYTES = 4 * 1024 * 1024;
const TEXT = 'ü€\u2028🦊"\\\n';

export const webSocketMessages: readonly Scenario[] = [
  {
    name: "a WebSocket without a sub-protocol is welcomed, and each text message is one envelope",
    verifies: ["R-4.1-1", "R-4.1-4"],
    needs: [webSocket],
    async play(site) {
      using raw = await RawSocket.open(site.url);
      assert.equal(raw.protocol, "", "R-4.1-4: nobody has offered a sub-protocol");
      raw.send(hello(site.tokens.first));
      assert.equal((await raw.next()).type, "session.welcome");
      raw.send(echo("req_echo", TEXT));
      assert.equal(
        (await raw.next()).type,
        "job.accepted",
        "R-4.1-1: each message is one envelope",
      );
      for (;;) {
        const message = await raw.next();
        if (message.type === "job.event") continue;
        assert.equal(message.type, "job.result", "R-4.1-1: each message is one envelope");
        assert.equal(resultOf(message), TEXT, "R-4.1-1: text is UTF-8");
        return;
      }
    },
  },
  {
    name: "a message in several WebSocket frames, cut within a character, is one envelope",
    verifies: ["R-4.1-1"],
    needs: [webSocket],
    async play(site) {
      const { raw } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      const bytes = Buffer.from(JSON.stringify(echo("req_echo", TEXT)));
      const cut = bytes.indexOf("🦊") + 2;
      raw.sendInPieces([bytes.subarray(0, 5), bytes.subarray(5, cut), bytes.subarray(cut)]);
      for (;;) {
        const message = await raw.next();
        assert.notEqual(message.type, "session.error", JSON.stringify(message));
        if (message.type !== "job.result") continue;
        assert.equal(resultOf(message), TEXT);
        return;
      }
    },
  },
  {
    name: "two envelopes in one message are refused",
    verifies: ["R-4.1-1"],
    needs: [webSocket],
    async play(site) {
      const { raw } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      const [first, second] = ["a", "b"].map((nonce) => JSON.stringify(ping(nonce)));
      for (const text of [`${first}${second}`, `${first}\n${second}`, `[${first},${second}]`]) {
        raw.send(text);
        const { type, payload } = await raw.next();
        assert.equal(type, "session.error", `it was answered by ${type}`);
        assert.equal((payload as JsonObject).code, "INVALID_REQUEST");
      }
      raw.send(ping("after"));
      assert.equal((await raw.next()).type, "session.pong", "the session does not go on");
    },
  },
  {
    name: "a binary hello is not a hello: the connection is closed with 1003",
    verifies: ["R-4.1-3"],
    needs: [webSocket],
    async play(site) {
      using raw = await RawSocket.open(site.url);
      raw.send(Buffer.from(JSON.stringify(hello(site.tokens.first))), { binary: true });
      assert.equal(await raw.closed, 1003);
      const types = (await raw.rest()).map(({ type }) => type);
      assert.ok(!types.includes("session.welcome"), "the binary hello was welcomed");
    },
  },
  {
    name: "a binary request in a session is not read: the connection is closed with 1003, and the session can be resumed",
    verifies: ["R-4.1-3", "R-4-4"],
    needs: [webSocket],
    async play(site) {
      const { raw, session, resumeToken } = await RawSocket.greeted(site.url, site.tokens.first);
      using _ = raw;
      raw.send(Buffer.from(JSON.stringify(echo("req_1", "binary"))), { binary: true });
      raw.send(echo("req_2", "behind it"));
      assert.equal(await raw.closed, 1003, "R-4.1-3: the close code");
      const types = (await raw.rest()).map(({ type }) => type);
      assert.ok(!types.includes("job.accepted"), "R-4.1-3: the request was accepted");
      using again = await RawSocket.open(site.url);
      again.send(resume(site.tokens.first, resumeToken));
      const welcome = await again.next();
      assert.equal(welcome.type, "session.welcome", "R-4-4: the session was lost");
      assert.equal(welcome.session_id, session, "R-4-4: the session was lost");
    },
  },
  {
    name: "a message above 4 MiB closes its connection with 1009, and nobody else is affected",
    verifies: ["R-4.1-6"],
    needs: [webSocket],
    async play(site) {
      const [big, other] = await Promise.all(
        (["first", "second"] as const).map((who) => RawSocket.greeted(site.url, site.tokens[who])),
      );
      assert.ok(big !== undefined && other !== undefined);
      using _ = big.raw;
      using __ = other.raw;
      const frame = JSON.stringify({ ...ping("too much"), zzz: "" });
      big.raw.send(frame.replace('""', `"${"z".repeat(INBOUND_BYTES + 1 - frame.length)}"`));
      assert.equal(await big.raw.closed, 1009);
      assert.deepEqual(
        (await big.raw.rest()).filter(({ type }) => type === "session.pong"),
        [],
        "the message was read",
      );
      other.raw.send(ping("unharmed"));
      assert.equal((await other.raw.next()).type, "session.pong", "another session felt it");
    },
  },
];

export function ping(nonce: string): JsonObject {
  const payload = { nonce, sent_at: "2026-11-02T08:16:00.000Z" };
  return { arcp: "1.1", id: newMessageId("req_"), type: "session.ping", payload };
}

export function resume(token: string, resumeToken: string): JsonObject {
  const auth = { scheme: "bearer", token };
  const payload = { auth, resume_token: resumeToken, last_event_seq: 0 };
  return { arcp: "1.1", id: newMessageId("req_"), type: "session.resume", payload };
}

function echo(id: string, value: string): JsonObject {
  const payload = { agent: "conformance.script", input: { steps: [{ do: "return", value }] } };
  return { arcp: "1.1", id, type: "job.submit", payload };
}

function resultOf({ payload }: JsonObject): unknown {
  return (payload as JsonObject).result;
}
