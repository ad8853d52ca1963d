import { type ArcpError, type JobId, newSessionId, type SessionId, type Timer } from "@arcp/core";
import { inLanes } from "../lanes.ts";
import type { EffectiveLimits } from "../limits.ts";
import type { Figures } from "../observer.ts";
import { isClosed } from "../store/closed.ts";
import type { SessionStore } from "../store/index.ts";
import { Patience } from "../store/patience.ts";
import type { ReadableLogStore } from "../store/readable-logs.ts";
import { retried } from "../store/retry.ts";
import type { Turn } from "../turn.ts";
import { Audience } from "./audience.ts";
import { Deliveries } from "./deliveries.ts";
import { Departures, type DeparturesOptions } from "./departures.ts";
import { FeatureSets } from "./feature-sets.ts";
import type { Journal } from "./journal.ts";
import { isKept } from "./kept-stream.ts";
import { Lag } from "./lag.ts";
import { Requests, RequestWeights } from "./requests.ts";
import { type KeptJobs, restoreStream } from "./restoration.ts";
import { Session } from "./session.ts";
import { type SessionLimits, SessionQuota } from "./session-quota.ts";
import { Stream, type StreamHost } from "./stream.ts";
import { hashToken, TokenRing } from "./token-ring.ts";
import { type RestoredLogs, unreadable } from "./unreadable.ts";

export interface SessionsOptions extends DeparturesOptions {
  readonly store: SessionStore;
  readonly logs: ReadableLogStore;
  /** Milliseconds that a session survives without a connection (R-6.3-11). */
  readonly resumeWindow: number;
  /** How many envelopes may be unacknowledged before the client is told that it lags behind (R-6.5-7). */
  readonly backPressureThreshold: number;
  readonly limits: SessionLimits &
    Pick<EffectiveLimits, "requestsPerSession" | "requestCharactersPerPrincipal">;
  /** Whether a session owns a running job. */
  readonly isBusy: (session: SessionId) => boolean;
  readonly turn: Pick<Turn, "spend">;
  /** Ends what a session that nobody resumed leaves behind, before the store forgets the session. */
  readonly abandoned?: Abandoned | undefined;
}

/** @param followed the jobs that the session has followed */
export type Abandoned = (session: Session, followed: readonly JobId[]) => Promise<void>;

/** Sessions restored at a time. */
const RESTORED_AT_ONCE = 32;

/** All live sessions of a runtime. */
export class Sessions {
  readonly audience = new Audience();
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<SessionId, Session>();
  readonly #departures: Departures;
  readonly #windows = new Map<SessionId, Timer>();
  readonly #quota: SessionQuota;
  readonly #weights: RequestWeights;
  readonly #features = new FeatureSets();
  readonly #host: StreamHost;
  #closed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#departures = new Departures(options);
    this.#quota = new SessionQuota(options.limits);
    this.#weights = new RequestWeights(options.limits.requestCharactersPerPrincipal);
    this.#host = {
      store: options.store,
      failed: (session, err) => {
        // A closed store has already been reported once; do not repeat that for every session.
        const level = isClosed(err) ? "debug" : "error";
        options.logger[level]({ session, err }, "a session could not be stored");
      },
      followed: (stream, job) => this.audience.add(job, stream),
    };
  }

  /**
   * Opens a session, which counts as arriving, and issues its first resume token. If the principal is at its limit, the longest
   * parked session without a running job is forgotten (R-14-1).
   * @returns the error if there is no slot
   */
  async open(
    principal: string,
    features: readonly string[],
  ): Promise<{ session: Session; token: string } | ArcpError> {
    const { store } = this.#options;
    const id = newSessionId();
    let forgotten: Promise<void> | undefined;
    const full = this.#quota.arrive(principal, id, (parked) => {
      const left = this.#dispensable(parked);
      forgotten = left && this.#abandon(left);
      return left !== undefined;
    });
    if (full !== undefined) return full;
    try {
      await forgotten;
      const tokens = new TokenRing();
      const token = tokens.issue();
      const { names } = this.#features.of(features);
      await store.insert({
        id,
        principal,
        features: names,
        epoch: 1,
        tokens: tokens.hashes,
        acked: 0,
      });
      const session = this.#session(principal, this.#stream(id, features, 1), tokens);
      return { session, token };
    } catch (error) {
      this.#quota.arrived(principal, id, false);
      throw error;
    }
  }

  /** Marks a known session as about to be connected. @returns the error if its principal has too many */
  arrive({ principal, id }: Session): ArcpError | undefined {
    return this.#quota.arrive(principal, id);
  }

  /** The handshake of an arriving session is over: it is connected by now, or will not be. */
  arrived({ principal, id, connected }: Session): void {
    this.#quota.arrived(principal, id, connected);
  }

  /** The first parked session that nobody is about to use and that owns no running job. */
  #dispensable(parked: Iterable<Session>): Session | undefined {
    const { isBusy } = this.#options;
    for (const session of parked) {
      const { id, submits } = session;
      if (this.#windows.has(id) && !submits.pending && !isBusy(id)) return session;
    }
    return undefined;
  }

  #session(principal: string, stream: Stream, tokens: TokenRing, restored = false): Session {
    const { requestsPerSession } = this.#options.limits;
    const requests = new Requests(requestsPerSession, principal, this.#weights);
    const session = new Session(principal, stream, tokens, requests, restored);
    this.#sessions.set(session.id, session);
    this.#quota.add(session);
    return session;
  }

  /**
   * Restores the sessions of the previous process. Their resume windows start with {@link awaitReturns} (R-6.3-20).
   * @returns how many there are
   */
  async restore(jobs: KeptJobs): Promise<number> {
    const { clock, store, logs } = this.#options;
    const ids = await retried(clock, () => store.list());
    const patience = new Patience(clock, logs);
    await inLanes(RESTORED_AT_ONCE, ids, (id) => this.#restoreReadable(id, jobs, patience));
    return this.#sessions.size;
  }

  async #restoreReadable(id: SessionId, jobs: KeptJobs, patience: Patience): Promise<void> {
    const { logger } = this.#options;
    const restore = (logs: RestoredLogs) => this.#restore(id, jobs, logs);
    const problem = await unreadable(this.#options, patience, restore);
    if (problem === undefined) return;
    const text = "a session cannot be read and is forgotten: its client has to open another one";
    logger.error({ session: id, err: problem }, text);
    await this.#departures.erase(id);
  }

  async #restore(id: SessionId, jobs: KeptJobs, logs: RestoredLogs): Promise<void> {
    const { store, turn, logger } = this.#options;
    const row = await store.get(id);
    if (row === undefined) return;
    const stream = this.#stream(id, row.features, row.epoch);
    const lost = await restoreStream(stream, row, { store, logs, jobs, turn });
    if (lost === "fenced") {
      logger.warn({ session: id }, "another runtime has taken over a session");
      return;
    }
    for (const job of lost) {
      const text = "a session watches a damaged job no longer: its end is lost";
      logger.error({ session: id, job }, text);
    }
    const { journal, attachments, deliveries } = stream;
    for (const job of journal.jobs) this.audience.add(job, stream);
    for (const { job } of attachments) this.audience.add(job, stream);
    deliveries?.restore(journal.jobs);
    this.#session(row.principal, stream, new TokenRing(row.tokens), true);
  }

  /** Starts the resume windows of the restored sessions, once they can be resumed: a start may take longer (R-6.3-11). */
  async awaitReturns(): Promise<void> {
    for (const session of this) {
      await this.#options.turn.spend("answering", 1);
      this.parked(session);
    }
  }

  #stream(session: SessionId, features: readonly string[], epoch: number): Stream {
    const { clock, resumeWindow, backPressureThreshold: threshold } = this.#options;
    const acks = features.includes("ack");
    return new Stream({
      session,
      features: this.#features.of(features).set,
      epoch,
      host: this.#host,
      lag: acks ? new Lag({ threshold, clock }) : undefined,
      deliveries: acks ? undefined : new Deliveries(clock, resumeWindow),
    });
  }

  get(id: SessionId): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The journal of a session; undefined if only the store has it. */
  numbering(id: SessionId): Journal | undefined {
    return this.#sessions.get(id)?.stream.journal ?? this.#departures.journal(id);
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }

  count(): Figures["sessions"] {
    const connected = [...this].filter((session) => session.connected).length;
    return { connected, parked: this.#sessions.size - connected };
  }

  /** Whether the job's owner has yet to be told that it was accepted. */
  owes(job: JobId, owner: SessionId | undefined): boolean {
    return (owner && this.#sessions.get(owner))?.submits.unsaid.has(job) ?? false;
  }

  /** This runtime no longer writes the job's log. Its followers are disconnected, to reconnect, perhaps elsewhere. */
  lost(job: JobId, error: ArcpError): void {
    for (const { session, attachments } of this.audience.of(job)) {
      if (attachments.has(job)) this.#sessions.get(session)?.fail(error);
    }
  }

  /** The job has records that its bell has not announced: all sessions that follow it read on. */
  readOn(job: JobId): void {
    for (const { session } of this.audience.of(job)) this.#sessions.get(session)?.readOn(job);
  }

  /** The session for which a token is currently valid. */
  async findByToken(token: string): Promise<Session | undefined> {
    const id = await this.#options.store.findByToken(hashToken(token));
    return id && this.#sessions.get(id);
  }

  /** Whether a session can continue after `after` (R-6.3-10). */
  canResume({ stream }: Session, after: number): Promise<boolean> {
    const { logs, turn } = this.#options;
    return isKept(stream, after, logs, turn);
  }

  /** Frees the slot of a session whose connection is gone, even if it may still be sending. */
  disconnected(session: Session): void {
    this.#quota.disconnected(session);
  }

  /** Starts the resume window of a session that sends nothing any more. */
  parked(session: Session): void {
    if (this.#closed || this.#sessions.get(session.id) !== session) return;
    const { clock, logger, resumeWindow } = this.#options;
    this.#quota.parked(session);
    this.#windows.get(session.id)?.cancel();
    const timer = clock.after(resumeWindow, () => {
      this.#abandon(session).catch((error: unknown) => {
        logger.error({ session: session.id, err: error }, "a session could not be forgotten yet");
      });
    });
    this.#windows.set(session.id, timer);
  }

  /** Cancels the resume window of a session that is connected again. */
  resumed(session: Session): void {
    this.#windows.get(session.id)?.cancel();
    this.#windows.delete(session.id);
  }

  /** Forgets a session that nobody has resumed. */
  #abandon(session: Session): Promise<void> {
    return this.forget(session, this.#options.abandoned);
  }

  /**
   * Forgets a session with its tokens and attachments; its jobs continue (R-6.3-18), unless `abandoned` ends them.
   * @throws what the store rejects calls with; what is left to do is tried again later
   */
  async forget(session: Session, abandoned?: Abandoned): Promise<void> {
    this.resumed(session);
    this.#sessions.delete(session.id);
    const followed = this.audience.remove(session.stream);
    this.#quota.remove(session);
    await this.#departures.leave(session.stream, async () => abandoned?.(session, followed));
  }

  /** Cancels all timers. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#windows.values()) timer.cancel();
    this.#windows.clear();
  }
}
