import { ChunkData } from "../jobs/chunk-data.ts";
import { LONG } from "../store/long-record.ts";
import { BASE64_MODULE } from "./base64-module.ts";
import { startModule } from "./wasm.ts";

/** The most bytes per call that fit into the module's memory along with their encoding. */
export const MAX_ENCODED = 64 * 1024;

/** Where the output begins in the module's memory: after the input and the bytes that the module reads past it. */
const TARGET = MAX_ENCODED + 16;

const QUOTE = 0x22;
const PADDING = 0x3d;

const encoder = startModule<(from: number, size: number, to: number) => void>(
  BASE64_MODULE,
  "encode",
);

/**
 * Encodes bytes in base64 without creating a string, which Node's own encoder always does.
 * @returns the encoding of the bytes as they are now; undefined if they are too few for a long record, too many, or the engine
 *   cannot do it
 */
export function encodeLong(bytes: Uint8Array): ChunkData | undefined {
  const { length: size } = bytes;
  const length = 4 * Math.ceil(size / 3);
  if (encoder === undefined || length < LONG || size > MAX_ENCODED) return undefined;
  const { memory, run } = encoder;
  memory.set(bytes);
  memory.fill(0, size, size + 2);
  run(0, size, TARGET + 1);
  const end = TARGET + 1 + length;
  memory.fill(PADDING, end - ((3 - (size % 3)) % 3), end);
  memory[TARGET] = QUOTE;
  memory[end] = QUOTE;
  return new ChunkData(memory.subarray(TARGET, end + 1));
}
