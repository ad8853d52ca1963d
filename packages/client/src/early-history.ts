import type { Decoded, Envelope, JobId } from "@arcp/core";

interface Held {
  readonly decoded: Decoded;
  readonly size: number;
  readonly job: JobId;
  readonly seq: number;
}

/**
 * Messages of a job that arrive before the reply that makes it followed, kept to be delivered after that: the history of a
 * subscription, which some runtimes send before its acknowledgement, or what a resume repeats of a job whose acceptance was
 * lost.
 */
export class EarlyHistory {
  readonly #bound: number;
  #held: Held[] = [];
  #size = 0;
  #isTruncated = false;

  /** Whether the history comes again when the request is repeated on any new connection, or only in a new session. */
  readonly isRepeated: boolean;

  /** @param bound how many characters of frames are kept; beyond that, only the latest */
  constructor(bound: number, isRepeated: boolean) {
    this.#bound = bound;
    this.isRepeated = isRepeated;
  }

  /** @param seq its `event_seq` */
  take(decoded: Decoded, size: number, job: JobId, seq: number): void {
    this.#held.push({ decoded, size, job, seq });
    this.#size += size;
    while (this.#size > this.#bound && this.#held.length > 1) {
      this.#size -= this.#held.shift()?.size ?? 0;
      this.#isTruncated = true;
    }
  }

  /** Starts over: the history will come again from its beginning. */
  restart(): void {
    this.#held = [];
    this.#size = 0;
    this.#isTruncated = false;
  }

  /**
   * The reply as it would be had it come first.
   *
   * @param position the session's current `event_seq`
   */
  precede(answer: Envelope, position: number): Envelope {
    const truncated = this.#isTruncated && { truncated: true };
    switch (answer.type) {
      case "job.subscribed": {
        const [first] = this.#held;
        const subscribed_from = first === undefined ? position : first.seq - 1;
        return { ...answer, payload: { ...answer.payload, subscribed_from, ...truncated } };
      }
      case "job.accepted":
        return { ...answer, payload: { ...answer.payload, ...truncated } };
      default:
        return answer;
    }
  }

  /** Hands on, once, the messages of the job that is followed now. */
  release(answer: Envelope, deliver: (decoded: Decoded, size: number) => void): void {
    if (answer.type !== "job.subscribed" && answer.type !== "job.accepted") return;
    const held = this.#held;
    this.restart();
    for (const { decoded, size, job } of held) {
      if (job === answer.payload.job_id) deliver(decoded, size);
    }
  }
}
