import { expect, test } from "vitest";
import { TransportClosedError } from "./index.ts";

test("the message says how the connection ended, and what caused it if that is known", () => {
  expect(new TransportClosedError().message).toBe("the connection broke");
  expect(new TransportClosedError("too-big").message).toBe("the connection was closed (too-big)");
  const cause = new Error("the server answered HTTP 404");
  const error = new TransportClosedError("refused", { cause });
  expect(error.message).toBe("the connection was closed (refused): the server answered HTTP 404");
  expect(error).toMatchObject({ cause, reason: "refused", code: "TRANSPORT_CLOSED" });
  // As OpenSSL writes them.
  const line = new Error("wrong version number\n");
  expect(new TransportClosedError(undefined, { cause: line }).message).toBe(
    "the connection broke: wrong version number",
  );
  expect(new TransportClosedError(undefined, { cause: "odd" }).message).toBe(
    "the connection broke",
  );
});
