import { encodeTime, TIME_LEN } from "ulid";
import * as z from "zod/mini";
import { systemClock } from "./clock.ts";
import { monotonicUlid } from "./monotonic-ulid.ts";
import { randomDigits, randomHex } from "./random.ts";

const Id = z.string().check(z.minLength(1), z.maxLength(128));

/** Identifies one message; opaque to its receiver (R-5.1-3). */
export const MessageId = Id.brand<"MessageId">();
/** See the schema of the same name. */
export type MessageId = z.infer<typeof MessageId>;

/** Identifies a session for its lifetime. */
export const SessionId = Id.brand<"SessionId">();
/** See the schema of the same name. */
export type SessionId = z.infer<typeof SessionId>;

/** Identifies a job, in every session that may know of it. */
export const JobId = Id.brand<"JobId">();
/** See the schema of the same name. */
export type JobId = z.infer<typeof JobId>;

const nextUlid = monotonicUlid();

/**
 * A new id, greater than the one before.
 * @param prefix shows the kind of message at a glance; the `draft` profile must not use `msg_` (R-5.1-3)
 */
export function newMessageId(prefix = "msg_"): MessageId {
  return (prefix + nextUlid()) as MessageId;
}

/** A new id with 80 random bits. It must not be guessable, so it never counts up from another. */
export function newSessionId(): SessionId {
  return `sess_${randomUlid()}` as SessionId;
}

/** A new id, as unguessable as that of `newSessionId`. */
export function newJobId(): JobId {
  return `job_${randomUlid()}` as JobId;
}

/** The name under which an upstream knows a provisioned credential. Not a secret. */
export function newCredentialAlias(): string {
  return `arcp-${nextUlid()}`;
}

/** @returns 256 random bits as 64 hexadecimal digits, for tokens (R-6.2-10) */
export function newSecret(): string {
  return randomHex(32);
}

/** @returns a W3C trace id: 32 lower-case hexadecimal digits, never all zero (R-11-1) */
export function newTraceId(): string {
  const id = randomHex(16);
  return id === "0".repeat(32) ? newTraceId() : id;
}

/** Not monotonic: the order of two that were made in the same millisecond is random. */
function randomUlid(): string {
  return encodeTime(systemClock.now(), TIME_LEN) + randomDigits(16);
}
