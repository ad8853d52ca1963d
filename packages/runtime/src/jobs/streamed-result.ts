import { ArcpError, type JobId } from "@arcp/core";
import type { LogRecord, LogStore } from "../store/index.ts";

interface Chunk {
  readonly data: string;
  readonly encoding: "utf8" | "base64";
}

function chunkIn({ text }: LogRecord): Chunk {
  const { payload } = JSON.parse(`{${text}`) as { payload: { body: Chunk } };
  return payload.body;
}

/**
 * The result that a job has written piece by piece, whole (section 8.4): text, or bytes.
 * @param lastSeq of the job, whose end is durable
 * @throws ArcpError `INTERNAL_ERROR` when part of the job's log is gone, or all of it
 */
export async function readStreamedResult(
  logs: LogStore,
  job: JobId,
  lastSeq: number,
): Promise<string | Uint8Array> {
  const chunks: Chunk[] = [];
  for (let cursor = 0; ; ) {
    const page = await logs.read(job, cursor, { records: 256, characters: 1024 * 1024 });
    if (page.floor > cursor || page.head < lastSeq) {
      throw new ArcpError("INTERNAL_ERROR", `part of the result of ${job} is no longer kept`);
    }
    for (const record of page.records) {
      if (record.kind === "result_chunk") chunks.push(chunkIn(record));
      record.long?.giveBack();
    }
    cursor += page.records.length;
    if (cursor >= page.head || page.records.length === 0) break;
  }
  if (chunks[0]?.encoding !== "base64") return chunks.map(({ data }) => data).join("");
  return Buffer.concat(chunks.map(({ data }) => Buffer.from(data, "base64")));
}
