import {
  type ClientMessageType,
  type Clock,
  type Envelope,
  type JobId,
  LocalError,
  type MessageId,
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
}

interface Pending extends Request {
  readonly timer: Timer;
  settle(reply: Envelope): void;
  reject(error: Error): void;
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
   * @returns the answer; rejects with what the runtime said, or a LocalError `REQUEST_TIMEOUT` or `CLOSED`
   */
  open<T extends object>(
    { id, type, jobId, frame }: Request,
    read: (reply: Envelope) => T | undefined,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = this.#clock.after(this.#timeout, () => {
      this.reject(
        id,
        new LocalError("REQUEST_TIMEOUT", `${type} got no answer within ${this.#timeout} ms`),
      );
    });
    const settle = (reply: Envelope): void => {
      const answer = read(reply);
      if (answer !== undefined) resolve(answer);
      else reject(new LocalError("PROTOCOL_VIOLATION", `${type} was answered with ${reply.type}`));
    };
    this.#pending.set(id, { id, type, jobId, frame, timer, settle, reject });
    return handled(promise);
  }

  /** Takes a reply to the request that it answers. @returns whether there was one */
  answer(reply: Envelope, requestId: MessageId | undefined): boolean {
    const id = requestId ?? this.#guess(reply);
    const pending = this.#take(id);
    pending?.settle(reply);
    return pending !== undefined;
  }

  /** @returns whether there was such a request */
  reject(id: string, error: Error): boolean {
    const pending = this.#take(id);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** The frames of all that is pending, oldest first. */
  frames(): string[] {
    return Array.from(this.#pending.values(), (pending) => pending.frame);
  }

  failAll(error: Error): void {
    for (const id of [...this.#pending.keys()]) this.reject(id, error);
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
    pending?.timer.cancel();
    return pending;
  }
}
