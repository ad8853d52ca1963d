import type { EncodedText, HeldBytes } from "@arcp/core";

/** The size of a block, in bytes. */
const SIZE = 512 * 1024;

/**
 * The maximum number of blocks. Stalled connections hold on to what was written to them, so this bounds how much they hold; and a
 * burst to many connections does not allocate further blocks, only to leave them to the garbage collector.
 */
const MAX_BLOCKS = 8;

interface Block {
  readonly memory: Buffer;
  /** How many bytes from its beginning somebody may still read. */
  used: number;
  /** How many unfinished writes use it. */
  holders: number;
}

const blocks = new Set<Block>();
const spare: Block[] = [];
/** The block for the next message of any connection, since most batches take only a small part of a block. */
let current: Block | undefined;

/**
 * The memory that the writes of a batch read from, until the socket has taken them: borrowed encoded texts, and long messages in
 * blocks. Allocating a buffer per message would request new pages from the system, which costs more than everything done with
 * them; blocks reuse the same pages.
 */
export class WriteMemory {
  readonly #held: Block[] = [];
  readonly #texts: HeldBytes[] = [];

  get empty(): boolean {
    return this.#held.length + this.#texts.length === 0;
  }

  /** Borrows the bytes of a text until the writes are done. @returns the bytes */
  hold(text: EncodedText): Uint8Array {
    const held = text.hold();
    this.#texts.push(held);
    return held.bytes;
  }

  /** Room for a message of at most `bytes` bytes; undefined if that exceeds a block, or all blocks are in use. */
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

  /** Says how many bytes of the last room are used; the next message may begin after them. */
  use(bytes: number): void {
    const block = this.#held.at(-1);
    if (block !== undefined) block.used += bytes;
  }

  /** Releases the memory, once the writes are done. */
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

  /** Gives the memory up, since nobody knows who reads it, or for how long: it is never reused. */
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
