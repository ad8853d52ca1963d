import type { JobId, MessageId } from "@arcp/core";
import type { Announcement } from "./announcement.ts";
import { Sequence } from "./sequence.ts";

/** Submits of a session whose replies are remembered (R-5.4-8). */
const MAX_SUBMITS = 1000;

/** What a submit is answered with. */
export interface SubmitReply {
  readonly announcement: Announcement;
  /** What follows the first answer in the same moment: the job begins. */
  readonly begin?: () => void;
}

/**
 * The newest submits of a session by their message ids, so that a repeated one gets its reply again and no second job;
 * and the line in which all replies to submits wait for the ones before them (R-5.4-5).
 */
export class SubmitLog {
  readonly #replies = new Map<MessageId, Promise<Announcement>>();
  readonly #acceptances = new Map<JobId, Announcement>();
  readonly #line = new Sequence();
  #deciding = 0;
  #refused = 0;

  /** Whether a submit is still being decided. */
  get pending(): boolean {
    return this.#deciding > 0;
  }

  /**
   * @param decide works out the reply, concurrently with other submits; must not reject
   * @param give gives the reply, when it is its turn, and may take its time; it is all that is remembered
   */
  async answer(
    id: MessageId,
    decide: () => Promise<SubmitReply>,
    give: (reply: SubmitReply) => unknown,
  ): Promise<void> {
    const known = this.#replies.get(id);
    if (known !== undefined) {
      return this.#line.run(async () => void (await give({ announcement: await known })));
    }
    this.#deciding += 1;
    const reply = decide();
    const announced = reply.then(({ announcement }) => announcement);
    keepNewest(this.#replies, id, announced);
    try {
      await this.#line.run(async () => {
        const given = await reply;
        const { job_id: job, type } = given.announcement;
        if (type === "job.accepted" && job !== undefined) {
          keepNewest(this.#acceptances, job, given.announcement);
        }
        await give(given);
      });
    } finally {
      this.#deciding -= 1;
    }
  }

  /** What was said of a job when it was accepted, if it is among the replies that are remembered. */
  acceptance(job: JobId): Announcement | undefined {
    return this.#acceptances.get(job);
  }

  /** Rejections that wait for their turn. */
  get refused(): number {
    return this.#refused;
  }

  /** Gives a rejection, of a submit that nobody decides, when it is its turn. */
  reject(give: () => void): Promise<void> {
    this.#refused += 1;
    return this.#line.run(() => {
      this.#refused -= 1;
      give();
    });
  }
}

/** Adds an entry to a map that keeps the newest. */
function keepNewest<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.set(key, value);
  if (map.size <= MAX_SUBMITS) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
