import { ArcpError, LocalError, TransportClosedError } from "@arcp/core";
import { expect, test } from "vitest";
import { isFinal, type LinkError } from "./link-outcome.ts";

const retryable = (code: string, value: boolean) => new ArcpError(code, "x", { retryable: value });

test.each<[string, LinkError, boolean]>([
  ["R-6.3-5: a refused resume", retryable("RESUME_WINDOW_EXPIRED", true), true],
  ["R-6.1-2: a refused token", new ArcpError("UNAUTHENTICATED", "x"), true],
  ["R-6.1-6: a token that nobody looked at", retryable("UNAUTHENTICATED", true), false],
  ["R-6.4-5: heartbeat loss", retryable("HEARTBEAT_LOST", false), false],
  ["R-6.5-9: a fault of the runtime", new ArcpError("INTERNAL_ERROR", "x"), false],
  ["a request that can never be right", new ArcpError("INVALID_REQUEST", "x"), true],
  ["R-12-3: an unknown code", new ArcpError("MOON_PHASE", "x"), true],
  ["R-12-3: an unknown code that says retry", retryable("MOON_PHASE", true), false],
  ["R-6.3-15: a takeover", new TransportClosedError("refused"), true],
  ["R-4.1-6: a frame above a limit", new TransportClosedError("too-big"), true],
  ["R-4.1-3: a frame that is no text", new TransportClosedError("not-text"), true],
  ["a fault of the peer", new TransportClosedError("fault"), false],
  ["R-4-4: a broken line", new TransportClosedError(), false],
  ["a shutdown", new TransportClosedError("going-away"), false],
  ["an orderly end that nobody explained", new TransportClosedError("normal"), false],
  ["a peer that is no runtime", new LocalError("PROTOCOL_VIOLATION", "x"), true],
  ["a silent peer", new LocalError("REQUEST_TIMEOUT", "x"), false],
])("%s", (_, error, final) => {
  expect(isFinal(error)).toBe(final);
});
