import {
  ArcpError,
  type CloseReason,
  newSessionId,
  type SessionId,
  type Timer,
  type Transport,
} from "@arcp/core";
import type { Logger } from "pino";
import { announce } from "./announcement.ts";
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
import { MissedAcceptances } from "./missed-acceptances.ts";
import { PendingWork } from "./pending-work.ts";
import { Outbox } from "./session/outbox.ts";
import type { ProjectorEnd } from "./session/projector-end.ts";
import type { Link } from "./session/session.ts";
import { DamagedRow } from "./store/damage.ts";

/** What a frame costs of the turn's budget, so that a connection is served only a limited number of frames per turn. */
const FRAME_STEPS = 4;

export interface ConnectionContext extends HandshakeOptions, BindingContext {
  /** Resolves when recovery of the previous process's state has succeeded or failed. Never rejects. */
  readonly ready: Promise<void>;
  /** The error to refuse everybody with; undefined during normal service. */
  readonly refusal: () => ArcpError | undefined;
}

type Bound = Extract<Handshake, { kind: "bound" }>;

/**
 * Serves one transport from its first frame to its last. The connection greets the client, is bound to a session, may move once
 * from a fresh session to a resumed one, and is closed.
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
    // The runtime may have closed it meanwhile.
    if (this.#state.kind !== "closed") await this.#read();
    // A peer that has closed its sending side may still read the replies to its last requests.
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
        // Awaits only what is pending: on small requests, most of the time would go into needless awaits.
        const spent = this.#context.projector.turn.spend("answering", FRAME_STEPS);
        if (spent !== undefined) await spent;
        // Checked anew each time: another session may have been faster to take the room that was made.
        for (;;) {
          const room = this.#binding?.intake.room();
          if (room === undefined) break;
          await room;
        }
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

  /** Closes the connection with a farewell, because the runtime shuts down (R-6.7-6). */
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

  /** The opening deadline has passed. A client whose request came in time is not at fault, and may retry. */
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
      // The token is needed once and not kept any longer (R-6.1-5).
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
      // When a client moves to another session, the connection keeps its dialect.
      if (this.#state.kind === "opening" && this.#state.left === undefined) {
        const setting = this.#context.services.policy.dialect(outcome.session.principal);
        if (setting !== undefined) this.#dialect = new Dialect(setting);
      }
      const { session, after } = outcome;
      const { sessions, store } = this.#context.services;
      const { turn } = this.#context.projector;
      const missed = this.#dialect.repeatsAcceptances
        ? new MissedAcceptances(session, after)
        : undefined;
      while (missed?.areUnknown) await missed.lookUp(store.jobs, turn);
      // The resume window may have ended while the claim was in progress.
      if (sessions.get(session.id) !== session) return this.fail(windowExpired(), "refused");
      this.#bind(outcome, missed);
    } catch (error) {
      // Nobody has been welcomed to the new session, so nobody will leave it: start its resume window here.
      if (!outcome.resumed) this.#context.sessions.parked(outcome.session);
      // A job's acceptance must be repeated, but its row can no longer be read (R-6.3-8).
      if (!(error instanceof DamagedRow)) throw error;
      this.fail(windowExpired(), "refused");
    } finally {
      this.#context.sessions.arrived(outcome.session);
    }
  }

  #bind(
    { session, token, after, resumed, epoch }: Bound,
    missed: MissedAcceptances | undefined,
  ): void {
    // A later resume of the same session has overtaken this one.
    if (session.stream.writer.epoch !== epoch) return this.replace();
    // The opening deadline or a shutdown may have passed during the token check.
    if (this.#state.kind === "closed") return this.#context.services.sessions.parked(session);
    // Comes first because the operator's policy may throw, and nobody must be bound by then.
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
    binding.begin(welcome, after, missed);
    this.#logger.info(
      { session: session.id, principal: session.principal, resumed },
      "session bound",
    );
  }

  /** Moves from a fresh session to the one that the client resumes (R-6.3-3). */
  async #move(binding: Binding, opening: Opening, characters: number): Promise<void> {
    const { sessions } = this.#context;
    const { session: fresh, intake } = binding;
    // Requests to the fresh session are answered there (R-5.4-4), and may attach jobs to it.
    await intake.wait(this.#work.settled());
    if (this.#binding !== binding) return;
    if (!fresh.untouched || this.#work.any) return intake.handle(opening, characters);
    this.#state = { kind: "opening", id: opening.id, left: fresh.id };
    const { epoch } = fresh.stream.writer;
    try {
      await binding.leave();
      const outcome = await resumeInstead(sessions, fresh, opening);
      // It stays if it was resumed meanwhile: by this very client, or on another connection. Nobody waits until it is forgotten.
      if (fresh.stream.writer.epoch === epoch) this.#work.add(sessions.forget(fresh));
      if (outcome.kind === "bound") return await this.#arrive(outcome);
      this.fail(outcome.error, "refused");
    } catch (error) {
      this.#logger.error({ err: error }, "a resume failed");
      this.fail(unexpected(), "fault");
    } finally {
      // If it is still there, nobody else may come to park it.
      if (!fresh.connected) sessions.parked(fresh);
    }
  }

  /**
   * Sends an error as the last message and closes the connection (R-12-5). If there is an opening request, the error replies to it
   * (R-5.4-1).
   * @param named the session id to use when no session is bound. Never the requested one: a refusal must look as if it had never
   *   existed (R-6.3-5)
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

  /** Stops reading and starts the session's resume window. */
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
