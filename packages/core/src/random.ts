const POOL_SIZE = 4096;
const pool = new Uint8Array(POOL_SIZE);
let used = POOL_SIZE;

/**
 * A byte of crypto randomness, from a pool: the platform's call costs tens of microseconds, a byte of the pool next to
 * nothing.
 */
export function randomByte(): number {
  if (used === POOL_SIZE) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool[used++] ?? 0;
}

/** @returns `count` random bytes as hexadecimal digits */
export function randomHex(count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += HEX[randomByte()];
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Of base 32 as ULIDs have it. */
export const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** @returns `count` random digits as of a ULID */
export function randomDigits(count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += DIGITS.charAt(randomByte() % DIGITS.length);
  return text;
}
