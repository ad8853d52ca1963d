import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { peerOf } from "./peer.ts";

test.each([
  [{ encrypted: true }, true],
  [{ encrypted: false }, false],
  [{}, false],
])(
  "a connection is secure if its socket says that it is encrypted, whatever its class: %j",
  (told, secure) => {
    const socket = Object.assign(new Socket(), told);
    expect(peerOf(new IncomingMessage(socket))).toMatchObject({ secure });
  },
);
