import {
  ArcpError,
  type CloseReason,
  type JobId,
  newSessionId,
  type SessionId,
  type Timer,
  type Transport,
} from "@arcp/core";
import type { Logger } from "pino";
import { type Announcement, announce } from "./announcement.ts";
import { Binding, type BindingContext } from "./binding.ts";
import type { ConnectionState } from "./connection-state.ts";
import { Dialect } from "./dialect/dialect.ts";
import {
  type Handshake,
  type HandshakeOptions,
  handshake,
  type Remote,
  resumeInstead,
  unexpected,
  windowExpired,
} from "./handshake.ts";
import { type Opening, readOpening } from "./inbound.ts";
import { shuttingDown } from "./jobs/ending.ts";
import { addStored, areUnknown, type StoredAcceptances } from "./missed-acceptances.ts";
import { PendingWork } from "./pending-work.ts";
import { Outbox } from "./session/outbox.ts";
import type { ProjectorEnd } from "./session/projector-end.ts";
import type { Link } from "./session/session.ts";
import { DamagedRow } from "./store/damage.ts";

/** What a frame costs of a turn of the event loop: in one, no connection is served more than a few. */
const FRAME_STEPS = 4;

export interface ConnectionContext extends HandshakeOptions, BindingContext {
  /** What the process before this one left behind has been taken over, or could not be. Never rejects. */
  readonly ready: Promise<void>;
  /** Why nobody is served; undefined while everybody is. */
  readonly refusal: () => ArcpError | undefined;
}

type Bound = Extract<Handshake, { kind: "bound" }>;

/**
 * One transport from its first frame to its last. It greets, is bound to the session that this leads to, may be left by a fresh
 * one for the one that is resumed instead, and is closed.
 */
export class Connection implements Link {
  readonly outbox: Outbox;
  readonly #transport: Transport;
  readonly #context: ConnectionContext;
  #remote: Remote;
  #dialect: Dialect;
  readonly #logger: Logger;
  #deadline: Timer | undefined;
  #state: ConnectionState = { kind: "greeting" };
  readonly #work: PendingWork;

  constructor(transport: Transport, context: ConnectionContext, remote: Remote) {
    this.#transport = transport;
    this.#context = context;
    this.#remote = remote;
    this.#dialect = new Dialect(remote.dialect ?? "draft");
    this.#logger = context.services.logger;
    this.#work = new PendingWork(this.#logger);
    const { services, projector } = context;
    this.outbox = new Outbox(transport, services.clock, projector.turn, () =>
      this.#binding?.heartbeat?.spoke(),
    );
  }

  get dialect(): Dialect {
    return this.#dialect;
  }

  /** Serves the peer until the connection ends. Never rejects. */
  async run(): Promise<void> {
    await this.#context.ready;
    await this.#read();
    // A peer that has ended its side may still read the answers to its last words.
    if (this.#state.kind !== "closed") this.hangUp("normal");
    await this.outbox.closed;
    while (this.#work.any) await this.#work.settled();
  }

  async #read(): Promise<void> {
    const { clock, limits } = this.#context.services;
    this.#deadline = clock.after(limits.openingDeadlineSec * 1000, () => this.#expire());
    try {
      for await (const frame of this.#transport.frames) {
        this.#binding?.heartbeat?.heard();
        // Nothing is awaited that need not be: most of what a small request takes are steps of this kind.
        const patience = this.#binding?.intake.patience();
        if (patience !== undefined) await patience;
        const spent = this.#context.projector.turn.spend("answering", FRAME_STEPS);
        if (spent !== undefined) await spent;
        const binding = this.#binding;
        if (binding !== undefined) {
          const resumed = binding.intake.take(frame);
          if (resumed !== undefined) await this.#move(binding, resumed, frame.length);
          if (binding.departure !== undefined) await binding.departure;
        } else if (this.#state.kind === "greeting") {
          await this.#greet(frame);
        }
        if (this.#state.kind === "closed") break;
        const pressure = this.outbox.pressure();
        if (pressure !== undefined) await (this.#binding?.heartbeat?.deaf(pressure) ?? pressure);
      }
    } catch (error) {
      this.#logger.debug({ err: error }, "connection broke");
    }
  }

  /** Ends the connection with a word to the client, for a runtime that shuts down (R-6.7-6). */
  async shutDown(): Promise<void> {
    await this.#binding?.answered();
    if (this.#binding === undefined) this.fail(shuttingDown(), "going-away");
    else this.part("the runtime shuts down", "going-away");
  }

  replace(): void {
    this.#leave();
    this.outbox.close("refused");
  }

  ended(end: ProjectorEnd): void {
    if (end.kind === "fenced") return this.replace();
    if (end.kind === "behind") {
      const text = "events that this session had yet to see are gone";
      return this.fail(new ArcpError("RESUME_WINDOW_EXPIRED", text), "refused");
    }
    this.#logger.error({ err: end.kind === "failed" ? end.error : end }, "a projector failed");
    this.fail(new ArcpError("INTERNAL_ERROR", "the session cannot continue"), "fault");
  }

  /** The time to open a session is over. Who asked for one in time is not to blame, and may ask again. */
  #expire(): void {
    if (this.#state.kind === "greeting") {
      this.fail(new ArcpError("INVALID_REQUEST", "no session.hello came in time"), "refused");
    } else if (this.#state.kind === "opening") {
      this.fail(new ArcpError("INTERNAL_ERROR", "the session was not open in time"), "fault");
    }
  }

  async #greet(frame: string): Promise<void> {
    const { openingBytes } = this.#context.services.limits;
    if (Buffer.byteLength(frame) > openingBytes) {
      const text = `the opening message may have at most ${openingBytes} bytes`;
      return this.fail(new ArcpError("INVALID_REQUEST", text), "too-big");
    }
    const { id, dialect, opening } = readOpening(frame, this.#remote.dialect);
    this.#dialect = dialect;
    const over = new AbortController();
    this.#state = { kind: "opening", id, over };
    if (opening instanceof ArcpError) return this.fail(opening, "refused");
    const refusal = this.#context.refusal();
    if (refusal !== undefined) return this.fail(refusal, "fault");
    try {
      const remote = this.#remote;
      // Its token is needed once, and is kept no longer than that (R-6.1-5).
      this.#remote = { ...remote, bearer: undefined };
      const outcome = await handshake(this.#context, opening, remote, over.signal);
      if (outcome.kind === "bound") return await this.#arrive(outcome);
      const { code } = outcome.error;
      this.#logger.warn({ code, source: this.#remote.source }, "an opening request was refused");
      this.fail(outcome.error, "refused", outcome.session);
    } catch (error) {
      if (over.signal.aborted && error === over.signal.reason) return;
      this.#logger.error({ err: error }, "a handshake failed");
      this.fail(unexpected(), "fault");
    }
  }

  async #arrive(outcome: Bound): Promise<void> {
    try {
      // A session that the client moves on to is spoken to as the one that it left.
      if (this.#state.kind === "opening" && this.#state.left === undefined) {
        const setting = this.#context.services.policy.dialect(outcome.session.principal);
        if (setting !== undefined) this.#dialect = new Dialect(setting);
      }
      const { session, after } = outcome;
      const { sessions, store } = this.#context.services;
      const { turn } = this.#context.projector;
      const stored = new Map<JobId, Announcement | undefined>();
      const lookUp = { index: store.jobs, turn };
      if (this.#dialect.repeatsAcceptances) {
        do await addStored(session, after, lookUp, stored);
        while (areUnknown(session, after, stored));
      }
      // The window may have ended while the claim was on its way.
      if (sessions.get(session.id) !== session) return this.fail(windowExpired(), "refused");
      this.#bind(outcome, stored);
    } catch (error) {
      // Nobody was welcomed to it, and nobody leaves it: its window runs from here.
      if (!outcome.resumed) this.#context.sessions.parked(outcome.session);
      // Of some job it has to be told once more what nobody knows any more (R-6.3-8).
      if (!(error instanceof DamagedRow)) throw error;
      this.fail(windowExpired(), "refused");
    } finally {
      this.#context.sessions.arrived(outcome.session);
    }
  }

  #bind({ session, token, after, resumed, epoch }: Bound, stored: StoredAcceptances): void {
    // A later resume of the same session was quicker.
    if (session.stream.writer.epoch !== epoch) return this.replace();
    // The deadline, or a shutdown, may have passed while the token was checked.
    if (this.#state.kind === "closed") return this.#context.services.sessions.parked(session);
    // First of all, since the operator's policy may fail: nobody is bound by then.
    const welcome = this.#context.welcome(session);
    const binding = new Binding({
      context: this.#context,
      link: this,
      session,
      token,
      confidential: this.#remote.confidential,
      work: this.#work,
    });
    this.#state = { kind: "bound", binding };
    this.#deadline?.cancel();
    this.#deadline = undefined;
    this.#context.services.sessions.resumed(session);
    binding.begin(welcome, after, stored);
    this.#logger.info(
      { session: session.id, principal: session.principal, resumed },
      "session bound",
    );
  }

  /** Leaves a fresh session for the one that the client resumes (R-6.3-3). */
  async #move(binding: Binding, opening: Opening, characters: number): Promise<void> {
    const { sessions } = this.#context;
    const { session: fresh, intake } = binding;
    // What was asked of the fresh session is answered by it (R-5.4-4), and may give it something to follow.
    await intake.wait(this.#work.settled());
    if (this.#binding !== binding) return;
    if (!fresh.untouched || this.#work.any) return intake.handle(opening, characters);
    this.#state = { kind: "opening", id: opening.id, left: fresh.id };
    try {
      await binding.leave();
      const outcome = await resumeInstead(sessions, fresh, opening);
      const isBound = outcome.kind === "bound";
      // A client may resume the very session that it was just given. And nobody has to wait until the other is forgotten.
      if (!isBound || outcome.session !== fresh) this.#work.add(sessions.forget(fresh));
      if (isBound) return await this.#arrive(outcome);
      this.fail(outcome.error, "refused");
    } catch (error) {
      this.#logger.error({ err: error }, "a resume failed");
      sessions.parked(fresh);
      this.fail(unexpected(), "fault");
    }
  }

  /**
   * The last word before the connection is closed (R-12-5). It answers the opening request, if there is one (R-5.4-1).
   * @param named where nobody is bound: not the session that was asked for, which looks like one never heard of (R-6.3-5)
   */
  fail(error: ArcpError, reason: CloseReason, named?: SessionId): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    const { id, left } = state.kind === "opening" ? state : {};
    const session = this.#binding?.session.id ?? left ?? named ?? newSessionId();
    const said = this.#dialect.refusal(id, error.toPayload());
    void this.outbox.send(said.map((message) => announce(session, message)));
    this.hangUp(reason);
  }

  part(why: string | undefined, reason: CloseReason): void {
    this.#binding?.session.say(this.#dialect.farewell(why));
    this.hangUp(reason);
  }

  hangUp(reason: CloseReason): void {
    this.#leave();
    this.outbox.finish(reason);
  }

  /** From here on nothing is read any more; the session's window runs. */
  #leave(): void {
    const binding = this.#binding;
    if (this.#state.kind === "opening") this.#state.over?.abort();
    this.#state = { kind: "closed" };
    this.#deadline?.cancel();
    if (binding !== undefined) this.#work.add(binding.park());
  }

  get #binding(): Binding | undefined {
    return this.#state.kind === "bound" ? this.#state.binding : undefined;
  }
}
