import { ChunkData } from "../jobs/chunk-data.ts";
import { LONG } from "../store/long-record.ts";
import { BASE64_MODULE } from "./base64-module.ts";
import { startModule } from "./wasm.ts";

/** Bytes that fit into the memory of the module, with what comes of them. */
export const MAX_ENCODED = 64 * 1024;

/** Where what comes of them is in the memory of the module, behind the bytes and what is read behind these. */
const TARGET = MAX_ENCODED + 16;

const QUOTE = 0x22;
const PADDING = 0x3d;

const encoder = startModule<(from: number, size: number, to: number) => void>(
  BASE64_MODULE,
  "encode",
);

/**
 * Bytes in base64, for Node encodes into strings alone.
 * @returns the bytes as they are now; undefined for those that make no long record, that are too many, or if the engine cannot do it
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
