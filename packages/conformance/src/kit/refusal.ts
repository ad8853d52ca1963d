import assert from "node:assert/strict";
import { type Envelope, newMessageId } from "@arcp/core";
import type { WireClient } from "../wire/wire-client.ts";
import { WireRejection } from "../wire/wire-rejection.ts";

type Refusal = Envelope<"session.error">["payload"];

/** What a request is refused with. Fails when it is granted. */
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

/** Submits what a good client would not, and tells what it is refused with. */
export async function refusedSubmit(
  wire: WireClient,
  payload: object,
  what = JSON.stringify(payload),
): Promise<Refusal> {
  const id = newMessageId("req_");
  await wire.send({ type: "job.submit", id, payload }, { faulty: true });
  return refusal(wire.reply("job.submit", id), what);
}
