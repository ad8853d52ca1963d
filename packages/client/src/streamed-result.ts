import { LocalError } from "@arcp/core";
import { ChunkSequence } from "./chunk-sequence.ts";
import type { JobEvent } from "./job-event.ts";
import type { JobFeed } from "./job-feed.ts";
import { misuse } from "./misuse.ts";

/**
 * The bytes of a streamed result, chunk by chunk as they arrive. Ends once the job has succeeded and every check has passed.
 *
 * @throws ArcpError the error that ended the job: the chunks of a failed job are not a result (R-8.4-6)
 * @throws LocalError `MISUSE` if the result was not streamed, or began before the feed did, `PROTOCOL_VIOLATION` if a check
 *   fails, `HISTORY_LOST` if the runtime no longer keeps all chunks, or the error with which `events` fails
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
 * @param maxBytes the limit beyond which nothing more is read
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

/** Like `chunksOf`, but as a web stream. Reads only as fast as it is read. */
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
        // A chunk may be awaited right now: ending the events takes effect at once, ending the chunks only when the job ends.
        await events.return?.();
        void chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** @throws LocalError `PROTOCOL_VIOLATION` if the bytes are not UTF-8 text */
export function decodeText(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new LocalError("PROTOCOL_VIOLATION", "the streamed result is not UTF-8", { cause });
  }
}
