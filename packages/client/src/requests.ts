import {
  type ClientMessageType,
  type Clock,
  type Envelope,
  type JobId,
  LocalError,
  type MessageId,
  type SessionId,
  type Timer,
} from "@arcp/core";
import { handled } from "./handled.ts";

export interface Request {
  readonly id: MessageId;
  readonly type: ClientMessageType;
  /** The job that it is about, if there is one yet. */
  readonly jobId: JobId | undefined;
  /** The request as it is sent, however often (R-5.4-8). */
  readonly frame: string;
  /** Whether asking a second time, in another session, does the same as asking once. */
  readonly isRepeatable: boolean;
  /** Aborting ends the wait for the answer. */
  readonly signal: AbortSignal | undefined;
  /** Told when it was sent, and its answer is waited for no longer. */
  readonly abandoned: () => void;
}

interface Pending extends Omit<Request, "signal"> {
  frame: string;
  /** Whether it was ever handed to a connection. */
  isSent: boolean;
  readonly timer: Timer;
  settle(reply: Envelope): void;
  reject(error: unknown): void;
  /** Lets go of the timer and the signal. */
  release(): void;
}

/** The requests that wait for an answer, by the id of their envelope, in the order in which they were made. */
export class Requests {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #pending = new Map<string, Pending>();

  /** @param timeout how long an answer may take, in ms, connected or not (R-5.4-7) */
  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /**
   * Registers a request that the caller sends.
   *
   * @param read makes the answer of the reply, within its dispatch; undefined when the reply does not fit the request
   * @returns the answer; rejects with what the runtime said, the signal's reason, or a LocalError `REQUEST_TIMEOUT`,
   *   `SESSION_LOST` or `CLOSED`
   */
  open<T extends object>(
    { signal, ...request }: Request,
    read: (reply: Envelope) => T | undefined,
  ): Promise<T> {
    const { id, type } = request;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = this.#clock.after(this.#timeout, () => {
      this.#giveUp(
        id,
        new LocalError("REQUEST_TIMEOUT", `${type} got no answer within ${this.#timeout} ms`),
      );
    });
    const abort = (): void => this.#giveUp(id, signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const settle = (reply: Envelope): void => {
      const answer = read(reply);
      if (answer !== undefined) resolve(answer);
      else reject(new LocalError("PROTOCOL_VIOLATION", `${type} was answered with ${reply.type}`));
    };
    const release = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
    };
    this.#pending.set(id, { ...request, isSent: false, timer, settle, reject, release });
    return handled(promise);
  }

  /** Takes a reply to the request that it answers. @returns whether there was one */
  answer(reply: Envelope, requestId: string | undefined): boolean {
    const id = requestId ?? this.#guess(reply);
    const pending = this.#take(id);
    pending?.settle(reply);
    return pending !== undefined;
  }

  /** @returns whether there was such a request */
  reject(id: string, error: unknown): boolean {
    const pending = this.#take(id);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** Whether an answer may let the session follow this job: of a subscribe, or of a submit that may lead to any job by its key. */
  mayFollow(job: JobId): boolean {
    for (const { type, jobId, isRepeatable } of this.#pending.values()) {
      if (type === "job.subscribe" && jobId === job) return true;
      if (type === "job.submit" && isRepeatable) return true;
    }
    return false;
  }

  /** Notes that a request is on its way. */
  sent(id: string): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.isSent = true;
  }

  /** The frames of all that is pending, oldest first, for a connection that is about to send them. */
  frames(): string[] {
    return Array.from(this.#pending.values(), (pending) => {
      pending.isSent = true;
      return pending.frame;
    });
  }

  /**
   * Moves what is pending into another session, since the one before is gone with all answers. What may have been done
   * there, and would be done twice, rejects with `SESSION_LOST`.
   */
  moveTo(session: SessionId): void {
    this.failUnrepeatable();
    for (const pending of this.#pending.values()) {
      pending.frame = JSON.stringify({ ...JSON.parse(pending.frame), session_id: session });
    }
  }

  /** Rejects with `SESSION_LOST` what may have been done, and would be done twice. */
  failUnrepeatable(): void {
    for (const { id, type, isSent, isRepeatable } of [...this.#pending.values()]) {
      if (isSent && !isRepeatable) this.reject(id, lostBeforeAnswer(type));
    }
  }

  failAll(error: Error): void {
    for (const id of [...this.#pending.keys()]) this.reject(id, error);
  }

  #giveUp(id: string, error: unknown): void {
    const pending = this.#pending.get(id);
    if (pending?.isSent) pending.abandoned();
    this.reject(id, error);
  }

  /** For runtimes that name no request: by envelope id, by job, or the oldest submit or listing (R-5.4-6). */
  #guess(reply: Envelope): string | undefined {
    if (this.#pending.has(reply.id)) return reply.id;
    const entries = [...this.#pending];
    if (reply.type === "job.accepted") {
      // A child's acceptance answers nobody.
      if (reply.payload.parent_job_id !== undefined) return undefined;
      return entries.find(([, { type }]) => type === "job.submit")?.[0];
    }
    if (reply.type === "session.jobs") {
      return entries.find(([, { type }]) => type === "session.list_jobs")?.[0];
    }
    const wanted = reply.type === "job.cancelled" ? "job.cancel" : "job.subscribe";
    const fits = entries.filter(
      ([, { type, jobId }]) => type === wanted && jobId === reply.job_id && jobId !== undefined,
    );
    return fits.length === 1 ? fits[0]?.[0] : undefined;
  }

  #take(id: string | undefined): Pending | undefined {
    if (id === undefined) return undefined;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.release();
    return pending;
  }
}

function lostBeforeAnswer(type: ClientMessageType): LocalError {
  return new LocalError(
    "SESSION_LOST",
    `the connection to the session was lost before ${type} was answered, so it may have been done or not: look with jobs(), or submit with an idempotencyKey, which makes it safe to ask again`,
  );
}
