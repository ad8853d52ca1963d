import { ArcpError, type JobId } from "@arcp/core";
import type { LogRecord, LogStore, PageLimits } from "../store/index.ts";
import type { Turn } from "../turn.ts";

interface Chunk {
  readonly data: string;
  readonly encoding: "utf8" | "base64";
}

/** The most to read per turn, about as much as a turn may take (J4). */
const PAGE: PageLimits = { records: 256, characters: 256 * 1024 };

function chunkIn({ text }: LogRecord): Chunk {
  const { payload } = JSON.parse(`{${text}`) as { payload: { body: Chunk } };
  return payload.body;
}

/** A result that a job has streamed, and whose end is durable. */
export interface WrittenResult {
  readonly job: JobId;
  /** The `job_seq` of the job's terminal record. */
  readonly lastSeq: number;
  /** The size in decoded bytes. */
  readonly size: number;
}

/**
 * Reads a streamed result as a whole (section 8.4): text, or bytes.
 * @throws ArcpError `INTERNAL_ERROR` if part of the job's log, or all of it, is gone
 */
export async function readStreamedResult(
  logs: LogStore,
  turn: Pick<Turn, "alone">,
  { job, lastSeq, size }: WrittenResult,
): Promise<string | Uint8Array> {
  let text = "";
  let bytes: Buffer | undefined;
  let end = 0;
  for (let cursor = 0; ; ) {
    await turn.alone();
    const page = await logs.read(job, cursor, PAGE);
    if (page.floor > cursor || page.head < lastSeq) throw noLongerKept(job);
    for (const record of page.records) {
      const chunk = record.kind === "result_chunk" ? chunkIn(record) : undefined;
      record.long?.giveBack();
      if (chunk?.encoding === "base64") {
        // Decoded directly into place: joining all pieces at the end would block the event loop.
        bytes ??= Buffer.allocUnsafeSlow(size);
        end += bytes.write(chunk.data, end, "base64");
      } else if (chunk !== undefined) text += chunk.data;
    }
    cursor += page.records.length;
    if (cursor >= page.head || page.records.length === 0) break;
  }
  if (bytes === undefined) return text;
  if (end < size) throw noLongerKept(job);
  return bytes;
}

function noLongerKept(job: JobId): ArcpError {
  return new ArcpError("INTERNAL_ERROR", `part of the result of ${job} is no longer kept`);
}
