import { monotonicFactory, ulid } from "ulid";
import { z } from "zod";

const Id = z.string().min(1).max(128);

/** Identifies one message; opaque to its receiver (R-5.1-3). */
export const MessageId = Id.brand<"MessageId">();
export type MessageId = z.infer<typeof MessageId>;

export const SessionId = Id.brand<"SessionId">();
export type SessionId = z.infer<typeof SessionId>;

export const JobId = Id.brand<"JobId">();
export type JobId = z.infer<typeof JobId>;

const POOL_SIZE = 4096;
const pool = new Uint8Array(POOL_SIZE);
let used = POOL_SIZE;

/** Crypto randomness from a pool: the platform's call costs tens of microseconds, a byte of the pool next to nothing. */
function random(): number {
  if (used === POOL_SIZE) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return (pool[used++] ?? 0) / 256;
}

const nextUlid = monotonicFactory(random);

/** @param prefix tells the kind of message at a glance; the `draft` profile must not use `msg_` (R-5.1-3) */
export function newMessageId(prefix = "msg_"): MessageId {
  return (prefix + nextUlid()) as MessageId;
}

/** Session and job ids have 80 random bits each, never a neighbour's plus one: they must not be guessable. */
export function newSessionId(): SessionId {
  return `sess_${ulid(undefined, random)}` as SessionId;
}

export function newJobId(): JobId {
  return `job_${ulid(undefined, random)}` as JobId;
}

/** @returns 256 random bits as 64 hexadecimal digits, for tokens (R-6.2-10) */
export function newSecret(): string {
  return hex(crypto.getRandomValues(new Uint8Array(32)));
}

/** @returns a W3C trace id: 32 lower-case hexadecimal digits, never all zero (R-11-1) */
export function newTraceId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return bytes.some((byte) => byte !== 0) ? hex(bytes) : newTraceId();
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
