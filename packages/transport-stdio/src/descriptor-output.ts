import { write } from "node:fs";
import { Writable } from "node:stream";

/**
 * A stream to a descriptor on which writing blocks, such as a pipe on Windows: a thread of its own waits until the reader has room,
 * and this one continues.
 */
export function descriptorOutput(descriptor: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => writeAll(descriptor, chunk, done),
  });
}

function writeAll(descriptor: number, bytes: Buffer, done: (error: Error | null) => void): void {
  write(descriptor, bytes, (error, written) => {
    if (error !== null || written === bytes.length) done(error);
    else writeAll(descriptor, bytes.subarray(written), done);
  });
}
