const POOL_SIZE = 4096;
const pool = new Uint8Array(POOL_SIZE);
let used = POOL_SIZE;

/**
 * A cryptographically random byte, taken from a pool: a call to the platform costs tens of microseconds, a byte from the pool
 * next to nothing.
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

/** The base 32 digits of ULIDs. */
export const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** @returns `count` random ULID digits */
export function randomDigits(count: number): string {
  let text = "";
  for (let i = 0; i < count; i++) text += DIGITS.charAt(randomByte() % DIGITS.length);
  return text;
}
