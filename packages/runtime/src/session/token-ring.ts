import { createHash } from "node:crypto";
import { newSecret } from "@arcp/core";

/** Tokens issued after the newest confirmed one that stay valid (R-6.3-7). */
const MAX_UNCONFIRMED = 8;

/**
 * The resume tokens of one session, as hashes: the newest confirmed one and those issued after it. So a lost welcome locks nobody
 * out, and a token older than a confirmed one is invalid (R-6.3-7, R-6.1-5).
 */
export class TokenRing {
  readonly #hashes: string[];

  constructor(hashes: readonly string[] = []) {
    this.#hashes = [...hashes];
  }

  get hashes(): readonly string[] {
    return [...this.#hashes];
  }

  /** @returns a new token, to be shown once (R-6.2-10) */
  issue(): string {
    const token = `rt_${newSecret()}`;
    this.#hashes.push(hashToken(token));
    if (this.#hashes.length > MAX_UNCONFIRMED + 1) this.#hashes.splice(1, 1);
    return token;
  }

  /** The client has shown this token, so all older ones become invalid. @returns whether it was valid */
  confirm(hash: string): boolean {
    const index = this.#hashes.indexOf(hash);
    if (index > 0) this.#hashes.splice(0, index);
    return index >= 0;
  }
}

export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
