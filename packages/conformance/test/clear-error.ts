import assert from "node:assert/strict";
import { CANARY } from "./hostile-corpus.ts";
import type { Message } from "./raw-socket.ts";

/** The fifteen codes (R-12-1). */
const CODES =
  /^(PERMISSION_DENIED|LEASE_SUBSET_VIOLATION|JOB_NOT_FOUND|DUPLICATE_KEY|AGENT_NOT_AVAILABLE|AGENT_VERSION_NOT_AVAILABLE|CANCELLED|TIMEOUT|RESUME_WINDOW_EXPIRED|HEARTBEAT_LOST|LEASE_EXPIRED|BUDGET_EXHAUSTED|INVALID_REQUEST|UNAUTHENTICATED|INTERNAL_ERROR)$/;

/**
 * Insists that a refusal is short, and without anything that is nobody's business (R-5.3-6).
 * @param secrets that it must not tell
 */
export function assertClear(payload: Message, secrets: readonly string[]): void {
  // Ids are the client's own, and told as they came.
  const { code, message, retryable, details } = payload;
  assert.match(`${code}`, CODES);
  assert.equal(typeof retryable, "boolean");
  assert(message.length > 0 && message.length <= 500, `a message of ${message.length} characters`);
  assert.doesNotMatch(message, /\p{Cc}|\p{Cs}|\p{Bidi_Control}/u);
  assert.doesNotMatch(
    message,
    /\bat \S+ \(|[jt]s:\d|node_modules|\/(?:src|dist|home|tmp|usr)\/|file:/,
  );
  assert.doesNotMatch(message, /unexpected error/);
  for (const secret of [CANARY, ...secrets]) {
    assert(!JSON.stringify([message, details]).includes(secret), `a secret is told: ${message}`);
  }
}
