import type { Decoded, Envelope, JobId } from "@arcp/core";

interface Held {
  readonly decoded: Decoded;
  readonly size: number;
  readonly job: JobId;
  readonly seq: number;
}

/**
 * What comes of a job before the answer that lets somebody follow it, and is wanted behind that: the history of a
 * subscription, which some runtimes send in front of its acknowledgement, or what a resume repeats of a job whose
 * acceptance was lost.
 */
export class EarlyHistory {
  readonly #bound: number;
  #held: Held[] = [];
  #size = 0;
  #isTruncated = false;

  /** Whether it comes once more when the request is repeated on another connection, or only when the session is another. */
  readonly isRepeated: boolean;

  /** @param bound characters of the frames that are kept; of more, the latest */
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

  /** It comes again, from its beginning. */
  restart(): void {
    this.#held = [];
    this.#size = 0;
    this.#isTruncated = false;
  }

  /**
   * The answer as if it had come first.
   *
   * @param position the session's number by now
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

  /** Hands on what is of the job that is followed now, once. */
  release(answer: Envelope, deliver: (decoded: Decoded, size: number) => void): void {
    if (answer.type !== "job.subscribed" && answer.type !== "job.accepted") return;
    const held = this.#held;
    this.restart();
    for (const { decoded, size, job } of held) {
      if (job === answer.payload.job_id) deliver(decoded, size);
    }
  }
}
