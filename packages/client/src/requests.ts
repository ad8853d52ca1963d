import {
  ArcpError,
  type Clock,
  type Decoded,
  type Envelope,
  type JobId,
  LocalError,
  type MessageId,
  type SessionId,
  type Timer,
} from "@arcp/core";
import {
  type Asked,
  answered,
  blamed,
  type Context,
  isRefusedKey,
  meaning,
} from "./correlation.ts";
import type { Dialect } from "./dialect.ts";
import { handled } from "./handled.ts";
import { KnownJobs } from "./known-jobs.ts";
import { Lanes, laneOf } from "./lanes.ts";
import { LatestNames } from "./latest-names.ts";
import { lostBeforeAnswer } from "./question.ts";

export interface Request extends Asked {
  readonly id: MessageId;
  /** The frame of the request, the same each time it is sent (R-5.4-8). */
  readonly frame: string;
  /** Aborting ends the wait for the reply. */
  readonly signal: AbortSignal | undefined;
  /** Called if the request was sent, but nobody waits for its reply any more. */
  readonly abandoned: () => void;
}

interface Pending extends Omit<Request, "signal"> {
  frame: string;
  /** Requests of one lane wait for each other; undefined if the reply cannot be mistaken for that of another request. */
  readonly lane: string | undefined;
  /** Whether it was ever handed to a connection. */
  isSent: boolean;
  /** Whether nobody waits for the reply any more. It is still expected, lest it be taken for the reply to the next request. */
  isAbandoned: boolean;
  /** Started when it is the request's turn. */
  timer: Timer | undefined;
  settle(reply: Envelope): void;
  reject(error: unknown): void;
  /** Stops listening to the signal. */
  release(): void;
}

export interface RequestsOptions {
  readonly clock: Clock;
  /** How long a reply may take, in ms, connected or not (R-5.4-7). */
  readonly timeout: number;
  /** @returns whether it was sent, that is, whether there is a connection with room */
  readonly send: (frame: string) => boolean;
  /** Jobs that the previous process followed. */
  readonly jobs: readonly JobId[];
  /** The dialect of the runtime. */
  readonly dialect: () => Dialect;
}

/**
 * The pending requests, by the id of their envelope, in the order in which they were made.
 *
 * 1. Only the first request of a lane is sent; its timeout starts then. If it is abandoned after that, it keeps its turn until
 *    the reply comes or the time is over.
 * 2. A reply to a request that is no longer pending is ignored.
 * 3. With a runtime whose replies all name their request, nothing is guessed, remembered or delayed.
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #pending = new Map<string, Pending>();
  /** Requests whose turn it is, but which have not been sent on this connection yet. */
  readonly #unsent = new Set<Pending>();
  readonly #lanes = new Lanes<Pending>();
  /** The ids and traces of the latest requests that are no longer pending. Replies later than that are not expected. */
  readonly #former = new LatestNames(1_000);
  readonly #jobs: KnownJobs;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#jobs = new KnownJobs(options.jobs);
  }

  /**
   * Sends a request, now or as soon as there is a connection and it is its turn.
   *
   * @param read turns the reply into the result, synchronously with its arrival; undefined if the reply does not fit the request
   * @returns the result; rejects with the runtime's error, the signal's reason, or a LocalError `REQUEST_TIMEOUT`, `SESSION_LOST`
   *   or `CLOSED`
   */
  open<T extends object>(
    { signal, ...request }: Request,
    read: (reply: Envelope) => T | undefined,
  ): Promise<T> {
    const { id, type } = request;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const abort = (): void => this.#abandon(pending, signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const pending: Pending = {
      ...request,
      lane: this.#correlates ? undefined : laneOf(request),
      isSent: false,
      isAbandoned: false,
      timer: undefined,
      settle(reply) {
        const answer = read(reply);
        if (answer !== undefined) resolve(answer);
        else
          reject(new LocalError("PROTOCOL_VIOLATION", `${type} was answered with ${reply.type}`));
      },
      reject,
      release: () => signal?.removeEventListener("abort", abort),
    };
    this.#pending.set(id, pending);
    if (this.#lanes.join(pending)) this.#start(pending);
    return handled(promise);
  }

  /** Matches a reply to its request. @returns whether there was one */
  answer(reply: Envelope, requestId: string | undefined): boolean {
    const id = requestId ?? answered(reply, this.#sent(), this.#context)?.id;
    const pending = this.#take(id);
    if (pending === undefined) return false;
    if (!pending.isAbandoned) pending.settle(reply);
    this.#next(pending);
    return true;
  }

  /** @returns whether there was such a request */
  reject(id: string, error: unknown): boolean {
    const pending = this.#take(id);
    if (pending === undefined) return false;
    pending.reject(error);
    this.#next(pending);
    return true;
  }

  /** Handles a `job.error` if it is not the end of its job (R-D-8). @returns whether it was handled */
  takeRejection(error: Envelope<"job.error">): boolean {
    if (this.#correlates) return isRefusedKey(error);
    const found = meaning(error, this.#sent(), this.#context);
    if (found === "end") return false;
    if (found !== "belated") this.reject(found.id, ArcpError.fromPayload(error.payload));
    return true;
  }

  /** The id of the request that a `session.error` is about if it names none (R-D-9). */
  blamed(error: Envelope<"session.error">): string | undefined {
    if (this.#correlates) return undefined;
    return blamed(error, this.#sent(), this.#context)?.id;
  }

  /**
   * Notes a message that was handed on. The end of a job counts as the reply to every cancel of it, since the runtime may send no
   * other.
   */
  heard(decoded: Decoded): void {
    if (this.#correlates) return;
    this.#jobs.take(decoded);
    if (decoded.kind !== "ok") return;
    const { message } = decoded;
    if (message.type !== "job.result" && message.type !== "job.error") return;
    // Last one first: otherwise, answering one would make it the next one's turn.
    for (const { id, type, jobId } of [...this.#pending.values()].reverse()) {
      if (type === "job.cancel" && jobId === message.job_id) this.answer(message, id);
    }
  }

  /**
   * The requests whose replies may make the session follow this job: a subscribe, or a submit, whose key may lead to any job.
   */
  *following(job: JobId): Generator<Pick<Pending, "id" | "isSent">, void> {
    for (const each of this.#pending.values()) {
      const isOfJob = each.type === "job.subscribe" && each.jobId === job;
      if (each.type === "job.submit" ? each.isRepeatable : isOfJob) yield each;
    }
  }

  /** Prepares for a new connection: every request whose turn it is will be sent on it, oldest first. */
  repeat(): void {
    for (const pending of [...this.#pending.values()]) {
      // A reply to an abandoned request of the previous connection does not come on this one.
      if (pending.isAbandoned) this.#drop(pending);
    }
    this.#unsent.clear();
    for (const pending of this.#pending.values()) {
      if (this.#lanes.isFirst(pending)) this.#unsent.add(pending);
    }
  }

  /** Sends the requests that wait for a connection, or for room on it. */
  send(): void {
    for (const pending of this.#unsent) {
      if (!this.#options.send(pending.frame)) return;
      this.#unsent.delete(pending);
      pending.isSent = true;
    }
  }

  /**
   * Moves the pending requests to another session, since the previous one is gone, and its replies with it. Rejects with
   * `SESSION_LOST` those that may have taken effect there and must not take effect twice.
   */
  moveTo(session: SessionId): void {
    this.failUnrepeatable();
    for (const pending of this.#pending.values()) {
      pending.frame = JSON.stringify({ ...JSON.parse(pending.frame), session_id: session });
    }
  }

  /** Rejects with `SESSION_LOST` the requests that may have taken effect and must not take effect twice. */
  failUnrepeatable(): void {
    for (const { id, type, isSent, isRepeatable } of [...this.#pending.values()]) {
      if (isSent && !isRepeatable) this.reject(id, lostBeforeAnswer(type));
    }
  }

  failAll(error: Error): void {
    // Clear the lanes first, so that no request takes the turn of one rejected here.
    this.#lanes.clear();
    for (const id of [...this.#pending.keys()]) this.reject(id, error);
  }

  /** Whether every reply names its request. */
  get #correlates(): boolean {
    return this.#options.dialect().correlates;
  }

  get #context(): Context {
    return { former: this.#former, jobs: this.#jobs };
  }

  /** The requests that a message may be about. */
  #sent(): Pending[] {
    return [...this.#pending.values()].filter(({ isSent }) => isSent);
  }

  #start(pending: Pending): void {
    const { clock, timeout } = this.#options;
    pending.timer = clock.after(timeout, () => this.#expire(pending));
    this.#unsent.add(pending);
    this.send();
  }

  #expire(pending: Pending): void {
    const { id, type, isSent, isAbandoned } = pending;
    if (isAbandoned) return this.#drop(pending);
    if (isSent) pending.abandoned();
    const message = `${type} got no answer within ${this.#options.timeout} ms`;
    this.reject(id, new LocalError("REQUEST_TIMEOUT", message));
  }

  #abandon(pending: Pending, reason: unknown): void {
    if (pending.isSent) pending.abandoned();
    if (!pending.isSent || pending.lane === undefined) {
      this.reject(pending.id, reason);
      return;
    }
    pending.isAbandoned = true;
    pending.release();
    pending.reject(reason);
  }

  /** Drops a request whose reply is no longer expected. */
  #drop(pending: Pending): void {
    this.#take(pending.id);
    this.#next(pending);
  }

  #take(id: string | undefined): Pending | undefined {
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(pending.id);
    this.#unsent.delete(pending);
    pending.timer?.cancel();
    pending.release();
    if (pending.lane !== undefined && pending.isSent) {
      this.#former.add(pending.id);
      if (pending.traceId !== undefined) this.#former.add(pending.traceId);
    }
    return pending;
  }

  /** Gives the turn to the next request in the lane. */
  #next(pending: Pending): void {
    if (pending.isAbandoned) pending.abandoned();
    const first = this.#lanes.leave(pending);
    if (first !== undefined) this.#start(first);
  }
}
