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
  /** The request as it is sent, however often (R-5.4-8). */
  readonly frame: string;
  /** Aborting ends the wait for the answer. */
  readonly signal: AbortSignal | undefined;
  /** Told when it was sent, and its answer is waited for no longer. */
  readonly abandoned: () => void;
}

interface Pending extends Omit<Request, "signal"> {
  frame: string;
  /** Requests of one lane wait for each other; undefined for one whose answer cannot be taken for another's. */
  readonly lane: string | undefined;
  /** Whether it was ever handed to a connection. */
  isSent: boolean;
  /** Whether nobody waits for the answer, which is only kept from being taken for the next one's. */
  isAbandoned: boolean;
  /** Runs once it is its turn. */
  timer: Timer | undefined;
  settle(reply: Envelope): void;
  reject(error: unknown): void;
  /** Lets go of the signal. */
  release(): void;
}

export interface RequestsOptions {
  readonly clock: Clock;
  /** How long an answer may take, in ms, connected or not (R-5.4-7). */
  readonly timeout: number;
  /** @returns whether it was sent: there is a connection, and room in it */
  readonly send: (frame: string) => boolean;
  /** Jobs that the process before followed. */
  readonly jobs: readonly JobId[];
  /** How the runtime is spoken to. */
  readonly dialect: () => Dialect;
}

/**
 * The requests that wait for an answer, by the id of their envelope, in the order in which they were made.
 *
 * 1. Of one lane only the first is sent; its time begins then. One that is given up in mid-lane keeps its turn until it is
 *    answered or its time is over.
 * 2. What the peer says of a request that waits no longer reaches nobody.
 * 3. Where every answer names its request, nothing is guessed, remembered or held up.
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #pending = new Map<string, Pending>();
  /** Those whose turn it is, and which this connection has yet to carry. */
  readonly #unsent = new Set<Pending>();
  readonly #lanes = new Lanes<Pending>();
  /** The ids and traces of those that wait no longer: an answer that comes after so many others comes never. */
  readonly #former = new LatestNames(1_000);
  readonly #jobs: KnownJobs;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#jobs = new KnownJobs(options.jobs);
  }

  /**
   * Sends a request, now or as soon as there is a connection and it is its turn.
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

  /** Takes a reply to the request that it answers. @returns whether there was one */
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

  /** Takes a `job.error` that is not the end of its job (R-D-8). @returns whether it was none */
  takeRejection(error: Envelope<"job.error">): boolean {
    if (this.#correlates) return isRefusedKey(error);
    const found = meaning(error, this.#sent(), this.#context);
    if (found === "end") return false;
    if (found !== "belated") this.reject(found.id, ArcpError.fromPayload(error.payload));
    return true;
  }

  /** The id of the request that an error of the session is about which names none (R-D-9). */
  blamed(error: Envelope<"session.error">): string | undefined {
    if (this.#correlates) return undefined;
    return blamed(error, this.#sent(), this.#context)?.id;
  }

  /**
   * Takes note of a message that was handed on. The end of a job answers all that asked for it, also where the runtime
   * says nothing more.
   */
  heard(decoded: Decoded): void {
    if (this.#correlates) return;
    this.#jobs.take(decoded);
    if (decoded.kind !== "ok") return;
    const { message } = decoded;
    if (message.type !== "job.result" && message.type !== "job.error") return;
    // The last one first, or it would be its turn.
    for (const { id, type, jobId } of [...this.#pending.values()].reverse()) {
      if (type === "job.cancel" && jobId === message.job_id) this.answer(message, id);
    }
  }

  /**
   * Those whose answers may let the session follow this job: a subscribe, or a submit that may lead to any job by its key.
   */
  *following(job: JobId): Generator<Pick<Pending, "id" | "isSent">, void> {
    for (const each of this.#pending.values()) {
      const isOfJob = each.type === "job.subscribe" && each.jobId === job;
      if (each.type === "job.submit" ? each.isRepeatable : isOfJob) yield each;
    }
  }

  /** There is another connection: all whose turn it is are to be sent on it, oldest first. */
  repeat(): void {
    for (const pending of [...this.#pending.values()]) {
      // Nobody answers on this connection what was asked on another.
      if (pending.isAbandoned) this.#drop(pending);
    }
    this.#unsent.clear();
    for (const pending of this.#pending.values()) {
      if (this.#lanes.isFirst(pending)) this.#unsent.add(pending);
    }
  }

  /** Sends what waits for a connection, or for room in it. */
  send(): void {
    for (const pending of this.#unsent) {
      if (!this.#options.send(pending.frame)) return;
      this.#unsent.delete(pending);
      pending.isSent = true;
    }
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
    // Nothing takes the turn of what is rejected here.
    this.#lanes.clear();
    for (const id of [...this.#pending.keys()]) this.reject(id, error);
  }

  /** Whether every answer names its request. */
  get #correlates(): boolean {
    return this.#options.dialect().correlates;
  }

  get #context(): Context {
    return { former: this.#former, jobs: this.#jobs };
  }

  /** What the peer may be talking about. */
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

  /** Its answer is expected no longer. */
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

  /** It is the turn of the next one behind what was taken. */
  #next(pending: Pending): void {
    if (pending.isAbandoned) pending.abandoned();
    const first = this.#lanes.leave(pending);
    if (first !== undefined) this.#start(first);
  }
}
