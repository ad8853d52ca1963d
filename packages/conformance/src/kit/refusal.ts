import assert from "node:assert/strict";
import { type Envelope, type ErrorCode, newMessageId } from "@arcp/core";
import type { WireClient } from "../wire/wire-client.ts";
import { WireRejection } from "../wire/wire-rejection.ts";

type Refusal = Envelope<"session.error">["payload"];

/** The error that a request is refused with. Fails if the request is granted. */
export async function refusal(request: Promise<unknown>, what: string): Promise<Refusal> {
  let granted: unknown;
  try {
    granted = await request;
  } catch (error) {
    if (error instanceof WireRejection) return error.payload;
    throw error;
  }
  return assert.fail(`${what} was granted: ${JSON.stringify(granted)}`);
}

/** Submits what no good client would. @returns the error that it is refused with */
export async function refusedSubmit(
  wire: WireClient,
  payload: object,
  what = JSON.stringify(payload),
): Promise<Refusal> {
  const id = newMessageId("req_");
  await wire.send({ type: "job.submit", id, payload }, { faulty: true });
  return refusal(wire.reply("job.submit", id), what);
}

/**
 * Awaits a refusal.
 *
 * @param told the failure's message if it is granted, or refused with another code
 * @throws AssertionError when it is granted, or refused with another code
 */
export async function refusedWith(
  request: Promise<unknown>,
  code: ErrorCode,
  told: string,
): Promise<WireRejection> {
  const answer = await request.then(
    () => "granted",
    (error: unknown) => error,
  );
  if (answer === "granted") assert.fail(`${told}; it was granted`);
  if (!(answer instanceof WireRejection)) throw answer;
  assert.equal(answer.payload.code, code, told);
  return answer;
}
