import { type EventBody, LocalError } from "@arcp/core";

type Chunk = EventBody<"result_chunk">;

/**
 * Puts a streamed result together and checks it on the way: numbers from 0 without a gap, one stream, one last chunk,
 * as many bytes as announced, and no more than the bound (R-8.4-7). Encodings may be mixed.
 *
 * Its methods throw LocalError: `PROTOCOL_VIOLATION` when a check fails, `MISUSE` when the bound is exceeded.
 */
export class ResultAssembler {
  readonly #maxBytes: number;
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  #id: string | undefined;
  #complete = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Chunk): void {
    this.#id ??= chunk.result_id;
    if (chunk.result_id !== this.#id) throw broken("chunks of two results are mixed");
    if (this.#complete) throw broken("a chunk follows the last one");
    const due = this.#parts.length;
    if (chunk.chunk_seq !== due) throw broken(`chunk ${due} is due, got ${chunk.chunk_seq}`);
    const part = decodeChunk(chunk);
    this.#size += part.byteLength;
    if (this.#size > this.#maxBytes) {
      throw new LocalError(
        "MISUSE",
        `the result exceeds maxResultBytes (${this.#maxBytes}); raise it or read the chunks from events`,
      );
    }
    this.#parts.push(part);
    this.#complete = !chunk.more;
  }

  /** @param announced what the job's result says of the stream; `size` in bytes, undefined when it does not say */
  finish(announced: { id: string; size: number | undefined }): Uint8Array<ArrayBuffer> {
    if (!this.#complete) throw broken("the last chunk is missing");
    if (announced.id !== this.#id) throw broken("the chunks belong to another result");
    if (announced.size !== undefined && announced.size !== this.#size) {
      throw broken(`${announced.size} bytes are announced, ${this.#size} came`);
    }
    const whole = new Uint8Array(this.#size);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.byteLength;
    }
    return whole;
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
  return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
}

function broken(what: string): LocalError {
  return new LocalError("PROTOCOL_VIOLATION", `the streamed result is broken: ${what}`);
}
