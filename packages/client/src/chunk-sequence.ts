import { type EventBody, LocalError } from "@arcp/core";

type Chunk = EventBody<"result_chunk">;

/**
 * Checks the chunks of a streamed result as they arrive: numbers from 0 without a gap, a single stream, one last chunk, and in
 * the end as many bytes as announced (R-8.4-7). Encodings may be mixed.
 */
export class ChunkSequence {
  #due = 0;
  #size = 0;
  #id: string | undefined;
  #isComplete = false;

  /** The number of bytes so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * @returns the chunk's bytes
   * @throws LocalError `PROTOCOL_VIOLATION` for a chunk that is not the next one or cannot be decoded
   */
  add(chunk: Chunk): Uint8Array<ArrayBuffer> {
    this.#id ??= chunk.result_id;
    if (chunk.result_id !== this.#id) throw broken("chunks of two results are mixed");
    if (this.#isComplete) throw broken("a chunk follows the last one");
    if (chunk.chunk_seq !== this.#due) {
      throw broken(`expected chunk ${this.#due}, got ${chunk.chunk_seq}`);
    }
    const part = decodeChunk(chunk);
    this.#due += 1;
    this.#size += part.byteLength;
    this.#isComplete = !chunk.more;
    return part;
  }

  /**
   * @param announced what the job's result says about the stream; `size` in bytes, undefined if not given
   * @throws LocalError `PROTOCOL_VIOLATION` if the chunks do not match it
   */
  finish(announced: { id: string; size: number | undefined }): void {
    if (!this.#isComplete) throw broken("the last chunk is missing");
    if (announced.id !== this.#id) throw broken("the chunks belong to another result");
    if (announced.size !== undefined && announced.size !== this.#size) {
      throw broken(`${announced.size} bytes were announced, ${this.#size} received`);
    }
  }
}

const utf8 = new TextEncoder();
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function decodeChunk({ data, encoding, chunk_seq }: Chunk): Uint8Array<ArrayBuffer> {
  if (encoding === "utf8") {
    if (!data.isWellFormed()) throw broken(`chunk ${chunk_seq} splits a character`);
    return utf8.encode(data);
  }
  if (data.length % 4 !== 0 || !BASE64.test(data)) {
    throw broken(`chunk ${chunk_seq} is not base64`);
  }
  const characters = atob(data);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

function broken(what: string): LocalError {
  return new LocalError("PROTOCOL_VIOLATION", `the streamed result is broken: ${what}`);
}
