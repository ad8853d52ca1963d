import { ChunkData } from "../jobs/chunk-data.ts";
import { LONG } from "../store/long-record.ts";
import { ASCII_QUOTE_MODULE } from "./ascii-quote-module.ts";
import { startModule } from "./wasm.ts";

/** Characters that the module takes: in UTF-8 they fit into its memory, whatever they are. */
export const MAX_QUOTED = 64 * 1024;

/** Bytes that the module reads, or writes, at a time. */
const WORD = 16;

// Where things are in the memory of the module; the shuffles are where it begins.
const SOURCE = 256 * WORD;
const TARGET = SOURCE + MAX_QUOTED + WORD;

const QUOTE = 0x22;
const SPACE = 0x20;

/** As the head of the function in `ascii-quote.wat` has it. */
type Quote = (from: number, size: number, to: number) => number;

const quoter = load();

/**
 * A text as JSON: the same as `JSON.stringify(text)`, and of one that makes a long record as data of a chunk. It takes an eighth of the
 * time that V8 13 (Node 24) takes, for it looks at 16 characters at once. To be deleted with the last Node that has an older V8 than
 * 14, which does the like by itself.
 *
 * @returns undefined for one that is not ASCII, that is too long, or with a character that the module cannot quote
 */
export function quoteAscii(text: string): string | ChunkData | undefined {
  const json = quoted(text);
  if (json === undefined) return undefined;
  return text.length < LONG ? json.toString("latin1") : new ChunkData(json);
}

/** @returns a part of the module's memory, until something else is quoted */
function quoted(text: string): Buffer | undefined {
  if (quoter === undefined || text.length > MAX_QUOTED) return undefined;
  const { memory, run: quote } = quoter;
  const size = memory.write(text, SOURCE, "utf8");
  if (size !== text.length) return undefined;
  memory.fill(SPACE, SOURCE + size, SOURCE + size + WORD);
  const end = quote(SOURCE, size, TARGET + 1);
  if (end === 0) return undefined;
  memory[TARGET] = QUOTE;
  memory[end] = QUOTE;
  return memory.subarray(TARGET, end + 1);
}

/** @returns undefined where nothing is won by it, or the engine cannot run it */
function load(): ReturnType<typeof startModule<Quote>> {
  if (Number.parseInt(process.versions.v8 ?? "14", 10) >= 14) return undefined;
  const module = startModule<Quote>(ASCII_QUOTE_MODULE, "quote");
  for (let set = 0; set < 256; set++) module?.memory.set(shuffleOf(set), set * WORD);
  return module;
}

/** @param set has a bit for each of eight characters that is escaped; the backslash stands behind the eight */
function shuffleOf(set: number): readonly number[] {
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  return eight.flatMap((place) => ((set >> place) & 1 ? [8, place] : [place]));
}
