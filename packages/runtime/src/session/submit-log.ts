import { type ErrorPayload, isObject, type JobId, type MessageId } from "@arcp/core";
import type { Announcement } from "../announcement.ts";
import { NewestMap } from "./newest-map.ts";
import { Sequence } from "./sequence.ts";
import { UnsaidJobs } from "./unsaid-jobs.ts";

/** Submits of a session whose replies are remembered (R-5.4-8). */
const MAX_SUBMITS = 1000;

/** Characters of a lease up to which its acceptance is remembered as it was said. */
const MAX_LEASE = 1024;

/** What is remembered of an acceptance with a longer lease: it is made anew, of what is kept of its job. */
export interface RememberedAcceptance {
  readonly kind: "remembered";
  readonly job: JobId;
  readonly request: MessageId;
  /** Whether it said that older history is missing. */
  readonly truncated: boolean;
}

/** What a submit is answered with: how that is said depends on who is connected by then. */
export type SubmitReply =
  | {
      readonly kind: "accepted";
      readonly announcement: Announcement;
      /** Lets the session follow a job that there was, or throws why it may not: that has to be durable before the answer. */
      readonly follow?: () => void;
      /** What follows the first answer in the same moment: the job begins. */
      readonly begin?: () => void;
      /** Told once the session follows the job, or will not: until then it has to be there. */
      readonly release?: () => void;
    }
  | { readonly kind: "refused"; readonly error: ErrorPayload }
  | RememberedAcceptance;

/** What is said in the place of a reply that could not be given. */
export interface FailedReply {
  readonly kind: "failed";
  /** What giving it failed with. */
  readonly error: unknown;
}

/** A reply that is still to be given. */
interface Pending {
  readonly reply: Promise<SubmitReply>;
  /** Set when it could not be given. */
  failure?: FailedReply;
}

/**
 * The newest submits of a session by their message ids, so that a repeated one gets its reply again and no second job;
 * and the line in which all replies to submits wait for the ones before them (R-5.4-5).
 */
export class SubmitLog {
  readonly unsaid = new UnsaidJobs();
  readonly #replies = new NewestMap<MessageId, SubmitReply | Pending>(MAX_SUBMITS);
  readonly #acceptances = new NewestMap<JobId, Announcement | RememberedAcceptance>(MAX_SUBMITS);
  readonly #line = new Sequence();
  /** The job of the acceptance that is being given. */
  #giving: JobId | undefined;
  #deciding = 0;
  #refused = 0;

  /** Whether a submit has no answer yet. */
  get pending(): boolean {
    return this.#deciding > 0 || this.#refused > 0;
  }

  /**
   * @param decide works out the reply, concurrently with other submits; must not reject
   * @param give gives the reply, when it is its turn, and may take its time. What it fails to give is not remembered: in the same
   *   turn it gives that it failed, also to whoever repeated the submit meanwhile
   */
  async answer(
    id: MessageId,
    decide: () => Promise<SubmitReply>,
    give: (reply: SubmitReply | FailedReply) => unknown,
  ): Promise<void> {
    const known = this.#replies.get(id);
    if (known !== undefined) {
      return this.#line.run(async () => {
        const reply = "reply" in known ? await known.reply : known;
        const failure = "failure" in known ? known.failure : undefined;
        await give(failure ?? toRepeat(id, reply));
      });
    }
    this.#deciding += 1;
    const pending: Pending = { reply: decide() };
    this.#replies.set(id, pending);
    try {
      await this.#line.run(() => this.#give(id, pending, give));
    } finally {
      this.#deciding -= 1;
    }
  }

  async #give(
    id: MessageId,
    pending: Pending,
    give: (reply: SubmitReply | FailedReply) => unknown,
  ): Promise<void> {
    try {
      const reply = await pending.reply;
      this.#giving = reply.kind === "accepted" ? reply.announcement.job_id : undefined;
      const done = give(reply);
      if (done instanceof Promise) await done;
      this.#replies.replace(id, toRepeat(id, reply));
    } catch (error) {
      // Nobody was told what it led to: when it is repeated from now on it is decided anew.
      pending.failure = { kind: "failed", error };
      this.#replies.delete(id);
      if (this.#giving !== undefined) this.unsaid.say(this.#giving);
      this.#giving = undefined;
      await give(pending.failure);
    }
  }

  /** The acceptance of a submit is said in this moment, whether or not anybody is connected. */
  said(request: MessageId, acceptance: Announcement): void {
    const { job_id: job } = acceptance;
    if (job !== undefined) {
      this.#acceptances.set(job, remembered(request, job, acceptance) ?? acceptance);
      this.unsaid.say(job);
    }
    this.#giving = undefined;
  }

  /** Whether an acceptance of the job waits for what makes it true: it will be said then, and not before. */
  isGiving(job: JobId): boolean {
    return this.#giving === job;
  }

  /** What was said of a job when it was accepted, if that is remembered as it was said. */
  acceptance(job: JobId): Announcement | undefined {
    const known = this.#acceptances.get(job);
    return known === undefined || "kind" in known ? undefined : known;
  }

  /** What is remembered of that, if its lease is too long. */
  remembered(job: JobId): RememberedAcceptance | undefined {
    const known = this.#acceptances.get(job);
    return known !== undefined && "kind" in known ? known : undefined;
  }

  /** Rejections that wait for their turn. */
  get refused(): number {
    return this.#refused;
  }

  /** Gives a rejection, of a submit that nobody decides, when it is its turn. */
  reject(give: () => unknown): Promise<void> {
    this.#refused += 1;
    return this.#line.run(async () => {
      try {
        await give();
      } finally {
        this.#refused -= 1;
      }
    });
  }
}

/** Without what begins, which happens once, and would be kept alive. */
function toRepeat(request: MessageId, reply: SubmitReply): SubmitReply {
  if (reply.kind !== "accepted") return reply;
  const { announcement } = reply;
  const { job_id: job } = announcement;
  const brief = job && remembered(request, job, announcement);
  return brief ?? { kind: "accepted", announcement };
}

/** @returns undefined for an acceptance that is remembered as it was said. Most leases are empty, and each is asked. */
function remembered(
  request: MessageId,
  job: JobId,
  { payload }: Announcement,
): RememberedAcceptance | undefined {
  const lease = "lease" in payload ? payload.lease : undefined;
  if (!isObject(lease) || Object.keys(lease).length === 0) return undefined;
  if (JSON.stringify(lease).length <= MAX_LEASE) return undefined;
  return { kind: "remembered", job, request, truncated: "truncated" in payload };
}
