import { type ErrorPayload, isObject, type JobId, type MessageId } from "@arcp/core";
import type { Announcement } from "../announcement.ts";
import { NewestMap } from "./newest-map.ts";
import { Sequence } from "./sequence.ts";
import { UnsaidJobs } from "./unsaid-jobs.ts";

/** The number of submits per session whose replies are remembered (R-5.4-8). */
const MAX_SUBMITS = 1000;

/** The longest lease, in characters, whose acceptance is remembered verbatim. */
const MAX_LEASE = 1024;

/** The stub kept for an acceptance with a longer lease, which is rebuilt from the job's row. */
export interface RememberedAcceptance {
  readonly kind: "remembered";
  readonly job: JobId;
  readonly request: MessageId;
  /** Whether the acceptance said that older history is missing. */
  readonly truncated: boolean;
}

/** The reply to a submit. Its form on the wire depends on who is connected when it is sent. */
export type SubmitReply =
  | {
      readonly kind: "accepted";
      readonly announcement: Announcement;
      /** Attaches the session to an existing job, which has to be durable before the reply; or throws why it may not. */
      readonly follow?: () => void;
      /** Runs directly after the first reply: the job begins. */
      readonly begin?: () => void;
      /** Called once the session follows the job, or will not; until then the job has to be kept. */
      readonly release?: () => void;
    }
  | { readonly kind: "refused"; readonly error: ErrorPayload }
  | RememberedAcceptance;

/** Sent in place of a reply that could not be sent. */
export interface FailedReply {
  readonly kind: "failed";
  /** What sending it failed with. */
  readonly error: unknown;
}

/** A reply that is yet to be sent. */
interface Pending {
  readonly reply: Promise<SubmitReply>;
  /** Set when it could not be sent. */
  failure?: FailedReply;
}

/**
 * The latest submits of a session by message id, so that a repeated submit gets its reply again and not a second job; and the queue
 * in which all replies to submits wait for earlier ones (R-5.4-5).
 */
export class SubmitLog {
  readonly unsaid = new UnsaidJobs();
  readonly #replies = new NewestMap<MessageId, SubmitReply | Pending>(MAX_SUBMITS);
  readonly #acceptances = new NewestMap<JobId, Announcement | RememberedAcceptance>(MAX_SUBMITS);
  readonly #queue = new Sequence();
  /** The job whose acceptance is being sent. */
  #giving: JobId | undefined;
  #deciding = 0;
  #refused = 0;

  /** Whether a submit is unanswered. */
  get pending(): boolean {
    return this.#deciding > 0 || this.#refused > 0;
  }

  /**
   * @param decide works out the reply, concurrently with other submits; must not reject
   * @param give sends the reply when it is its turn, and may take its time. If it fails, the reply is not remembered, and
   *   the failure is sent in the same turn, also for a repeated submit that waited for the same reply
   */
  async answer(
    id: MessageId,
    decide: () => Promise<SubmitReply>,
    give: (reply: SubmitReply | FailedReply) => unknown,
  ): Promise<void> {
    const known = this.#replies.get(id);
    if (known !== undefined) {
      return this.#queue.run(async () => {
        const reply = "reply" in known ? await known.reply : known;
        const failure = "failure" in known ? known.failure : undefined;
        await give(failure ?? toRepeat(id, reply));
      });
    }
    this.#deciding += 1;
    const pending: Pending = { reply: decide() };
    this.#replies.set(id, pending);
    try {
      await this.#queue.run(() => this.#give(id, pending, give));
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
      // The client was not told the outcome, so a repeated submit is decided again from now on.
      pending.failure = { kind: "failed", error };
      this.#replies.delete(id);
      if (this.#giving !== undefined) this.unsaid.say(this.#giving);
      this.#giving = undefined;
      await give(pending.failure);
    }
  }

  /** Records that the acceptance of a submit is being sent now, whether or not a client is connected. */
  said(request: MessageId, acceptance: Announcement): void {
    const { job_id: job } = acceptance;
    if (job !== undefined) {
      this.#acceptances.set(job, remembered(request, job, acceptance) ?? acceptance);
      this.unsaid.say(job);
    }
    this.#giving = undefined;
  }

  /** Whether an acceptance of the job still waits until it is durable, to be sent then and not before. */
  isGiving(job: JobId): boolean {
    return this.#giving === job;
  }

  /** The job's acceptance, if it is remembered verbatim. */
  acceptance(job: JobId): Announcement | undefined {
    const known = this.#acceptances.get(job);
    return known === undefined || "kind" in known ? undefined : known;
  }

  /** The stub of the job's acceptance, if its lease is too long. */
  remembered(job: JobId): RememberedAcceptance | undefined {
    const known = this.#acceptances.get(job);
    return known !== undefined && "kind" in known ? known : undefined;
  }

  /** Resolves once all submits so far are answered. */
  settled(): Promise<void> {
    return this.#queue.run(() => {});
  }

  /** The number of queued rejections. */
  get refused(): number {
    return this.#refused;
  }

  /** Sends a rejection of a submit that was never decided, when it is its turn. */
  reject(give: () => unknown): Promise<void> {
    this.#refused += 1;
    return this.#queue.run(async () => {
      try {
        await give();
      } finally {
        this.#refused -= 1;
      }
    });
  }
}

/** Drops the callbacks, which run only once and would be kept alive. */
function toRepeat(request: MessageId, reply: SubmitReply): SubmitReply {
  if (reply.kind !== "accepted") return reply;
  const { announcement } = reply;
  const { job_id: job } = announcement;
  const brief = job && remembered(request, job, announcement);
  return brief ?? { kind: "accepted", announcement };
}

/**
 * @returns undefined if the acceptance is remembered verbatim. Checks for an empty lease first: most are, and every acceptance
 *   comes here.
 */
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
