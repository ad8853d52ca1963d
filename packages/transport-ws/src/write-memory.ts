import type { EncodedText, HeldBytes } from "@arcp/core";

/** Bytes of a block. */
const SIZE = 512 * 1024;

/**
 * Blocks that there may be. Connections that stall keep what was written to them, and so they keep no more than these; a
 * burst to many connections makes no more of them, only to leave them to the garbage collector.
 */
const MAX_BLOCKS = 8;

interface Block {
  readonly memory: Buffer;
  /** Bytes from its beginning on that somebody may still read. */
  used: number;
  /** Writes that lie in it and are not done. */
  holders: number;
}

const blocks = new Set<Block>();
const spare: Block[] = [];
/** Where the next message goes, of whatever connection: most batches take a small part of a block. */
let current: Block | undefined;

/**
 * What a few writes read, from when they are framed until the socket took them: encoded texts, which are held, and long messages
 * in blocks. A buffer made for each message would get pages fresh from the system, which costs more than all that is done
 * with them; here the same pages are written again and again.
 */
export class WriteMemory {
  readonly #held: Block[] = [];
  readonly #texts: HeldBytes[] = [];

  get empty(): boolean {
    return this.#held.length + this.#texts.length === 0;
  }

  /** @returns its bytes */
  hold(text: EncodedText): Uint8Array {
    const held = text.hold();
    this.#texts.push(held);
    return held.bytes;
  }

  /** Room for a message of at most so many bytes; undefined when none is as large, or all are in use. */
  room(bytes: number): Buffer | undefined {
    if (bytes > SIZE) return undefined;
    if (current === undefined || bytes > SIZE - current.used) {
      const next = spare.pop() ?? newBlock();
      if (next === undefined) return undefined;
      current = next;
    }
    if (this.#held.at(-1) !== current) {
      this.#held.push(current);
      current.holders += 1;
    }
    return current.memory.subarray(current.used);
  }

  /** The next message may begin behind so many bytes of the last room. */
  use(bytes: number): void {
    const block = this.#held.at(-1);
    if (block !== undefined) block.used += bytes;
  }

  /** The writes are done. */
  release(): void {
    if (this.empty) return;
    for (const text of this.#texts.splice(0)) text.letGo();
    for (const block of this.#held.splice(0)) {
      block.holders -= 1;
      if (block.holders > 0) continue;
      block.used = 0;
      if (block !== current) spare.push(block);
    }
  }

  /** Nobody knows who reads it, or for how long: it is never written again. */
  abandon(): void {
    this.#texts.length = 0;
    for (const block of this.#held.splice(0)) {
      blocks.delete(block);
      if (block === current) current = undefined;
    }
  }
}

function newBlock(): Block | undefined {
  if (blocks.size >= MAX_BLOCKS) return undefined;
  const block = { memory: Buffer.allocUnsafeSlow(SIZE), used: 0, holders: 0 };
  blocks.add(block);
  return block;
}
