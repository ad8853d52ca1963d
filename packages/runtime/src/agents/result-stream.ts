import { types } from "node:util";
import { ArcpError, newMessageId } from "@arcp/core";
import { Backlog } from "../jobs/backlog.ts";
import { failure } from "../jobs/ending.ts";
import type { Job } from "../jobs/job.ts";
import type { Chunk } from "../jobs/record.ts";
import { quoteAscii } from "./ascii-quote.ts";
import { encodeLong } from "./base64.ts";

/**
 * Characters or bytes per chunk. Even if each character takes six in JSON, an envelope stays below 1 MiB (R-4.1-7). Texts made from
 * such a chunk usually fit into the young generation of the heap, whose memory is reused; a larger text gets pages of its own from
 * the system, which costs more than all the work on it.
 */
const MAX_CHUNK = 64 * 1024;

/** The fields of a job's result that refer to its finished stream. */
export interface StreamedResult {
  readonly result_id: string;
  /** The size in decoded bytes. */
  readonly result_size: number;
}

/** A result that is written piece by piece, in the order of the calls (section 8.4). */
export class ResultStream {
  readonly #job: Job;
  readonly #maxSize: number;
  readonly #id = newMessageId("res_");
  #encoding: Chunk["encoding"] | undefined;
  /** The latest write. Once a write has failed all later ones do, because the result has a gap (R-8.4-1). */
  #last: Promise<void> = Promise.resolve();
  /** Counts characters or bytes. */
  readonly #waiting = new Backlog("pieces of the result wait to be written");
  #chunks = 0;
  #size = 0;
  #closed = false;
  /**
   * Held back for the next piece: the first half of a surrogate pair (R-8.4-2), and what may be the beginning of a secret
   * (R-9.8-10). For a result in bytes, one character per byte.
   */
  #held = "";

  /** @param maxSize the most decoded bytes in all chunks together (R-8.4-4) */
  constructor(job: Job, maxSize: number) {
    this.#job = job;
    this.#maxSize = maxSize;
  }

  /** Whether anything was written, so that the result must be the stream (R-8.4-3). */
  get begun(): boolean {
    return this.#encoding !== undefined;
  }

  /**
   * Writes a piece, text or bytes. All pieces of a result must be of the same type.
   * @returns when the agent may continue; rejects with an ArcpError `INVALID_REQUEST` for text that is not well-formed, and with
   *   `INTERNAL_ERROR` above the size limit, which ends the job
   * @throws ArcpError `INVALID_REQUEST` if the client cannot take a streamed result, for anything but text or bytes, and if both
   *   are mixed
   * @throws BackpressureError if too many or too large pieces wait for writes that were not awaited
   */
  write(piece: string | Uint8Array): Promise<void> {
    if (!this.#job.identity.features.has("result_chunk")) {
      throw new ArcpError(
        "INVALID_REQUEST",
        "the client does not accept streamed results (result_chunk): return the result instead",
        { details: { feature: "result_chunk" } },
      );
    }
    // Other values that Buffer accepts, such as a number, would be written as zeros.
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
      // Nothing was emitted, or all of it was held back; charge the turn nevertheless (J4).
      if (this.#chunks === before) await this.#job.events.pass();
    } catch (error) {
      // A failed write is charged too, so that an agent that keeps writing does not block the event loop (J4).
      await this.#job.events.pass();
      throw error;
    } finally {
      this.#waiting.remove(1, length);
    }
  }

  /** The agent has finished; whatever it still writes is late and discarded (R-7.3-3). */
  close(): void {
    this.#closed = true;
  }

  /**
   * Writes the last chunk after {@link close}. It holds only what was held back, because a writer does not know which of its pieces
   * is the last.
   * @throws the error of a failed write, after which the result has a gap
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
   * Reads the bytes now, because the agent may reuse its buffer once this returns. A piece of at most one chunk is encoded
   * immediately, which saves a copy; the encoding of a larger piece could fill the heap, so that piece is copied and
   * encoded later.
   *
   * @throws TypeError for a detached buffer: it looks empty, and only copying it reveals that
   */
  #bytes(piece: Uint8Array): () => Promise<void> {
    const bytes = this.#job.secrets.any ? this.#cleaned(piece) : piece;
    const isChunk = bytes.length > 0 && bytes.length <= MAX_CHUNK;
    const parts = isChunk ? [...this.#encoded(bytes)] : this.#encoded(new Uint8Array(bytes));
    return async () => {
      for (const { data, size } of parts) await this.#emit(data, size, true);
    };
  }

  /** Prepends what was held back, and removes secrets before any encoding. */
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
    // Cleaned before it is measured and cut, because a part of a secret would not be recognised.
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
      // Ends the job no matter how the agent handles the error, or how long it continues.
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
