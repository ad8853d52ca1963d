import { types } from "node:util";
import { ArcpError, newMessageId } from "@arcp/core";
import { Backlog } from "../jobs/backlog.ts";
import { failure } from "../jobs/ending.ts";
import type { Job } from "../jobs/job.ts";
import type { Chunk } from "../jobs/record.ts";
import { quoteAscii } from "./ascii-quote.ts";
import { encodeLong } from "./base64.ts";

/**
 * Characters or bytes per chunk. Even if each character takes six in JSON, an envelope stays below 1 MiB (R-4.1-7); and the
 * texts that are made of one usually stay small enough for the young generation of the heap, where memory is used again
 * and again. A larger text gets pages of its own from the system, which costs more than all that is done with it.
 */
const MAX_CHUNK = 64 * 1024;

/** What a finished stream says in the job's result. */
export interface StreamedResult {
  readonly result_id: string;
  /** Decoded bytes. */
  readonly result_size: number;
}

/** A result that is written piece by piece, in the order of the calls (section 8.4). */
export class ResultStream {
  readonly #job: Job;
  readonly #maxSize: number;
  readonly #id = newMessageId("res_");
  #encoding: Chunk["encoding"] | undefined;
  /** The write before the next one. Once one has failed all later ones do, for the result has a hole (R-8.4-1). */
  #last: Promise<void> = Promise.resolve();
  /** In characters or bytes. */
  readonly #waiting = new Backlog("pieces of the result wait to be written");
  #chunks = 0;
  #size = 0;
  #closed = false;
  /**
   * What waits for the next piece: the first half of a surrogate pair (R-8.4-2), and what may be the beginning of a secret
   * (R-9.8-10). One character for each byte where bytes are written.
   */
  #held = "";

  /** @param maxSize decoded bytes that all its chunks may hold (R-8.4-4) */
  constructor(job: Job, maxSize: number) {
    this.#job = job;
    this.#maxSize = maxSize;
  }

  /** Whether anything was written: then the result can only be the stream (R-8.4-3). */
  get begun(): boolean {
    return this.#encoding !== undefined;
  }

  /**
   * Writes a piece: text, or bytes. One result is either the one or the other.
   * @returns when the agent may go on; rejects with an ArcpError `INVALID_REQUEST` for text that is not well-formed,
   * `INTERNAL_ERROR` beyond the limit, where the job ends
   * @throws ArcpError `INVALID_REQUEST` when the client cannot take a streamed result, for what is neither text nor bytes, and when
   * both are mixed
   * @throws BackpressureError when too many pieces wait behind writes that were not awaited, or too large ones
   */
  write(piece: string | Uint8Array): Promise<void> {
    if (!this.#job.identity.features.has("result_chunk")) {
      throw new ArcpError(
        "INVALID_REQUEST",
        "the client does not accept streamed results (result_chunk): return the result instead",
        { details: { feature: "result_chunk" } },
      );
    }
    // What a buffer could be made of as well, such as a number, would come out as zeros.
    if (typeof piece !== "string" && !types.isUint8Array(piece)) {
      throw new ArcpError(
        "INVALID_REQUEST",
        "a piece of a result must be a string or a Uint8Array",
      );
    }
    if (this.#closed) return this.#job.events.pass();
    const encoding = typeof piece === "string" ? "utf8" : "base64";
    if (encoding !== (this.#encoding ?? encoding)) {
      throw new ArcpError(
        "INVALID_REQUEST",
        "a result is written as text or as bytes, not as both",
      );
    }
    this.#waiting.check();
    const write = typeof piece === "string" ? this.#text(piece) : this.#bytes(piece);
    this.#encoding = encoding;
    this.#last = this.#inOrder(write, piece.length);
    return this.#last;
  }

  async #inOrder(write: () => Promise<void>, length: number): Promise<void> {
    this.#waiting.add(length);
    try {
      await this.#last;
      const before = this.#chunks;
      await write();
      // Nothing, or nothing but what is held back: that takes of the turn as well (J4).
      if (this.#chunks === before) await this.#job.events.pass();
    } catch (error) {
      // An agent that goes on and on nevertheless keeps nobody else from the event loop (J4).
      await this.#job.events.pass();
      throw error;
    } finally {
      this.#waiting.remove(1, length);
    }
  }

  /** The agent is done: what it still writes is late, and discarded (R-7.3-3). */
  close(): void {
    this.#closed = true;
  }

  /**
   * Writes the last chunk once it is closed, empty but for what still waits: whoever writes does not know which of its pieces is the last.
   * @throws what a write failed with, for then the result has a hole
   */
  async finish(): Promise<StreamedResult> {
    await this.#last;
    if (!this.#held.isWellFormed()) {
      throw new ArcpError(
        "INTERNAL_ERROR",
        "the streamed text ended in the middle of a surrogate pair",
      );
    }
    const held = this.#job.secrets.clean(this.#held);
    const rest = Buffer.from(held, this.#encoding === "base64" ? "latin1" : "utf8");
    void this.#emit(JSON.stringify(rest.toString(this.#encoding)), rest.length, false);
    return { result_id: this.#id, result_size: this.#size };
  }

  #text(piece: string): () => Promise<void> {
    return () => this.#writeText(piece);
  }

  /**
   * The agent may fill its buffer anew as soon as this returns. What makes one chunk is encoded at once, which spares a copy; all
   * that comes of a larger piece would fill the heap.
   *
   * @throws TypeError for a buffer that was handed to somebody else: it looks empty, and a copy tells
   */
  #bytes(piece: Uint8Array): () => Promise<void> {
    const bytes = this.#job.secrets.any ? this.#cleaned(piece) : piece;
    const isChunk = bytes.length > 0 && bytes.length <= MAX_CHUNK;
    const parts = isChunk ? [...this.#encoded(bytes)] : this.#encoded(new Uint8Array(bytes));
    return async () => {
      for (const { data, size } of parts) await this.#emit(data, size, true);
    };
  }

  /** What was held back and the piece without secrets, before they are encoded in any way. */
  #cleaned(piece: Uint8Array): Uint8Array {
    const { secrets } = this.#job;
    const read = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("latin1");
    const { clean, open } = secrets.settled(this.#held + read);
    this.#held = open;
    return Buffer.from(clean, "latin1");
  }

  *#encoded(bytes: Uint8Array): Generator<Pick<Chunk, "data"> & { readonly size: number }> {
    for (let start = 0; start < bytes.length; start += MAX_CHUNK) {
      const part = bytes.subarray(start, start + MAX_CHUNK);
      const buffer = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
      const data = encodeLong(buffer) ?? `"${buffer.toString("base64")}"`;
      yield { data, size: part.byteLength };
    }
  }

  async #writeText(piece: string): Promise<void> {
    const { secrets } = this.#job;
    // Before it is counted and cut: a part of a secret is not found any more.
    const { clean: text, open } = secrets.settled(this.#held + piece);
    this.#held = open;
    for (let start = 0; start < text.length; ) {
      let end = Math.min(start + MAX_CHUNK, text.length);
      if (isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
      if (end === start) {
        this.#held = text.slice(start) + open;
        return;
      }
      const data = text.slice(start, end);
      if (!data.isWellFormed()) {
        throw new ArcpError("INVALID_REQUEST", "a streamed text must be well-formed Unicode");
      }
      const ascii = quoteAscii(data);
      const size = ascii === undefined ? Buffer.byteLength(data) : data.length;
      await this.#emit(ascii ?? JSON.stringify(data), size, true);
      start = end;
    }
  }

  #emit(data: Chunk["data"], size: number, more: boolean): Promise<void> {
    if (this.#size + size > this.#maxSize) {
      const problem = `a streamed result may have at most ${this.#maxSize} bytes`;
      const details = { reason: "result_bytes" };
      const error = new ArcpError("INTERNAL_ERROR", problem, { details });
      // Whatever the agent makes of it, and however long it goes on.
      this.#job.life.end(failure(error));
      throw error;
    }
    const accepted = this.#job.events.emitChunk({
      result_id: this.#id,
      chunk_seq: this.#chunks,
      data,
      encoding: this.#encoding ?? "utf8",
      more,
    });
    this.#chunks += 1;
    this.#size += size;
    return accepted;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
