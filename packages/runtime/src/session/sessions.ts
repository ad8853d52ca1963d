import { type Clock, type JobId, newSessionId, type SessionId, type Timer } from "@arcp/core";
import type { Logger } from "pino";
import type { LogStore, SessionStore } from "../store/index.ts";
import { Lag } from "./lag.ts";
import { type OwnedJobs, restoreStream } from "./restoration.ts";
import { Session } from "./session.ts";
import { Stream } from "./stream.ts";
import { hashToken, TokenRing } from "./token-ring.ts";

export interface SessionsOptions {
  readonly clock: Clock;
  readonly store: SessionStore;
  readonly logs: LogStore;
  readonly logger: Logger;
  /** Milliseconds that a session survives without a connection (R-6.3-11). */
  readonly resumeWindow: number;
  /** How many envelopes may be unacknowledged before a session is told that it lags behind (R-6.5-7). */
  readonly backPressureThreshold: number;
  /** Whether any job that the session submitted is still kept: then its numbering is too (R-6.3-18). */
  readonly hasJobs: (session: SessionId) => Promise<boolean>;
}

/** All living sessions of a runtime. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<SessionId, Session>();
  readonly #windows = new Map<SessionId, Timer>();
  #closed = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Opens a session and gives its first resume token. */
  async open(
    principal: string,
    features: readonly string[],
  ): Promise<{ session: Session; token: string }> {
    const { store } = this.#options;
    const id = newSessionId();
    const tokens = new TokenRing();
    const token = tokens.issue();
    await store.insert({ id, principal, features, epoch: 1, tokens: tokens.hashes, acked: 0 });
    const session = new Session(principal, this.#stream(id, features, 1), tokens);
    this.#sessions.set(id, session);
    return { session, token };
  }

  /** Brings back the sessions of the process before this one; their windows count from now on (R-6.3-11, R-6.3-20). */
  async restore(ownedBy: (session: SessionId) => Promise<OwnedJobs>): Promise<void> {
    const { store, logs } = this.#options;
    for (const id of await store.list()) {
      const row = await store.get(id);
      if (row === undefined) continue;
      const stream = this.#stream(id, row.features, row.epoch);
      await restoreStream(stream, row, store, logs, await ownedBy(id));
      const session = new Session(row.principal, stream, new TokenRing(row.tokens), true);
      this.#sessions.set(id, session);
      this.parked(session);
    }
  }

  #stream(id: SessionId, features: readonly string[], epoch: number): Stream {
    const { store, logger, clock, backPressureThreshold: threshold } = this.#options;
    const failed = (error: unknown): void =>
      logger.error({ session: id, err: error }, "a session could not be stored");
    const lag = features.includes("ack") ? new Lag({ threshold, clock }) : undefined;
    return new Stream(id, new Set(features), store, epoch, failed, lag);
  }

  get(id: SessionId): Session | undefined {
    return this.#sessions.get(id);
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }

  /** Whether a session still has something to read or to acknowledge of this job (R-6.5-3, R-14-3). */
  follows(job: JobId): boolean {
    for (const { stream } of this.#sessions.values()) {
      if (stream.attachments.has(job) || stream.awaitsAck(job)) return true;
    }
    return false;
  }

  /** The session for which a token is valid at this moment. */
  async findByToken(token: string): Promise<Session | undefined> {
    const row = await this.#options.store.findByToken(hashToken(token));
    return row === undefined ? undefined : this.#sessions.get(row.id);
  }

  /**
   * Whether everything behind `after` is still there for this session: what was issued since, and what still waits for
   * a number (R-6.3-10, P3).
   */
  async canResume({ stream }: Session, after: number): Promise<boolean> {
    if (after > stream.issued) return false;
    const { logs } = this.#options;
    const needed = [
      ...[...stream.journal.spans(after + 1, stream.issued)]
        .filter(({ said }) => said === undefined)
        .map(({ job, jobFrom, count }) => ({
          job,
          after: jobFrom - 1,
          head: jobFrom + count - 1,
        })),
      ...[...stream.attachments.values()].map(({ job, cursor }) => ({
        job,
        after: cursor,
        head: cursor,
      })),
    ];
    for (const need of needed) {
      const page = await logs.read(need.job, need.after, { records: 0, characters: 0 });
      if (page.floor > need.after || page.head < need.head) return false;
    }
    return true;
  }

  /** The connection is gone: from now on the resume window runs. */
  parked(session: Session): void {
    if (this.#closed || this.#sessions.get(session.id) !== session) return;
    const { clock, logger, resumeWindow } = this.#options;
    this.#windows.get(session.id)?.cancel();
    const timer = clock.after(resumeWindow, () => {
      this.forget(session).catch((error: unknown) => {
        logger.error({ session: session.id, err: error }, "a session could not be forgotten");
      });
    });
    this.#windows.set(session.id, timer);
  }

  /** A connection is back: the window is closed again. */
  resumed(session: Session): void {
    this.#windows.get(session.id)?.cancel();
    this.#windows.delete(session.id);
  }

  /** Forgets a session with its tokens and its place in every job; its jobs go on (R-6.3-18). */
  async forget(session: Session): Promise<void> {
    this.resumed(session);
    this.#sessions.delete(session.id);
    const { store, hasJobs } = this.#options;
    const last = session.stream.journal.close(session.stream.issued);
    // The row that tells how far its numbers went is forgotten, its runs are not.
    if (last !== undefined) await session.stream.commit({ runs: [last] });
    await store.forget(session.id);
    if (!(await hasJobs(session.id))) await store.removeRuns(session.id);
  }

  /** Takes all timers down. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#windows.values()) timer.cancel();
    this.#windows.clear();
  }
}
