import { LocalError } from "@arcp/core";
import { ChunkSequence } from "./chunk-sequence.ts";
import type { JobEvent } from "./job-event.ts";
import type { JobFeed } from "./job-feed.ts";
import { misuse } from "./misuse.ts";

/**
 * The bytes of a streamed result, chunk by chunk as they come. It ends when the job has ended well and every check held.
 *
 * @throws ArcpError what the job ended with: the chunks of a job that failed are no result (R-8.4-6)
 * @throws LocalError `MISUSE` when the result was not streamed, or began before the feed did, `PROTOCOL_VIOLATION` when a check fails, `HISTORY_LOST`
 *   when the runtime no longer keeps all chunks, or as `events` fails
 */
export async function* chunksOf(
  feed: JobFeed,
  events: AsyncIterable<JobEvent> = feed.events,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const chunks = new ChunkSequence();
  let isLost = false;
  const checked = <T>(check: () => T): T => {
    try {
      return check();
    } catch (cause) {
      if (!isLost && feed.isWhole) throw cause;
      if (!isLost) {
        throw misuse(
          "the result began before this handle's events: take them from the first",
          cause,
        );
      }
      throw new LocalError(
        "HISTORY_LOST",
        "the runtime no longer keeps the whole streamed result",
        { cause },
      );
    }
  };
  for await (const event of events) {
    if (event.kind === "history_lost") isLost = true;
    if (event.kind === "result_chunk") yield checked(() => chunks.add(event.body));
  }
  const outcome = await feed.outcome;
  if (outcome.status !== "success") throw outcome.error;
  const { stream } = outcome;
  if (stream === undefined) {
    throw misuse("the result was not streamed: get it with result()");
  }
  checked(() => chunks.finish(stream));
}

/**
 * The whole result in one piece.
 *
 * @param maxBytes beyond it nothing more is read
 * @throws as `chunksOf`, and LocalError `MISUSE` above `maxBytes`
 */
export async function assembled(feed: JobFeed, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of chunksOf(feed)) {
    size += part.byteLength;
    if (size > maxBytes) {
      throw misuse(
        `the result exceeds maxResultBytes (${maxBytes}): raise it, or read it with stream()`,
      );
    }
    parts.push(part);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** As `chunksOf`, for whatever takes a web stream. Reads on as it is read. */
export function streamOf(feed: JobFeed): ReadableStream<Uint8Array<ArrayBuffer>> {
  const events = feed.events[Symbol.asyncIterator]();
  const chunks = chunksOf(feed, { [Symbol.asyncIterator]: () => events });
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        // A piece may be waited for: the events end at once, the chunks no sooner than the job.
        await events.return?.();
        void chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** @throws LocalError `PROTOCOL_VIOLATION` when the bytes are no text */
export function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new LocalError("PROTOCOL_VIOLATION", "the streamed result is not UTF-8", { cause });
  }
}
