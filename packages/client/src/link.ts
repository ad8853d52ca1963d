import { type Clock, type Decoded, type Dial, LocalError } from "@arcp/core";
import { MAX_PAUSE, pauseBefore } from "./backoff.ts";
import { Connection } from "./connection.ts";
import { Farewell } from "./farewell.ts";
import { handled } from "./handled.ts";
import { type Opened, openConnection } from "./handshake.ts";
import { asError, closed, explain, hasExpired, isFinal, type LinkError } from "./link-outcome.ts";
import {
  type ConnectionState,
  connecting,
  type LinkState,
  leave,
  publicState,
  retrying,
} from "./link-state.ts";
import { onNetworkChange } from "./network-changes.ts";
import { type Introduction, Opening } from "./opening.ts";
import { type Session, welcomed } from "./session.ts";
import type { SessionKeeper } from "./session-keeper.ts";
import { StateChanges } from "./state-changes.ts";

export interface LinkOptions {
  readonly dial: Dial;
  readonly introduction: Introduction;
  /** The time for dialling and the handshake together, in ms. */
  readonly handshakeTimeout: number;
  readonly clock: Clock;
  /** A session to continue. */
  readonly restored?: Session | undefined;
  /** Persists the session before anything relies on a new token, and before a position is acknowledged. */
  readonly keeper?: SessionKeeper | undefined;
}

/** The user of a link, who sends and receives through it. */
export interface LinkUser {
  /** There is a new connection. Its session is the same as before, or a new one that knows nothing of the one before. */
  connected(session: Session): void;
  /** The connection has room (again): messages that wait can be sent, such as all requests without a reply yet (R-5.4-8). */
  drained(): void;
  /**
   * Handles one message; gets each stream envelope once and in order. Pings and duplicates do not get this far.
   *
   * @param size the length of its frame, in characters
   * @returns whether an error was about a request, not about the session
   */
  received(message: Decoded, size: number): boolean;
  /** The link is down for good; called once. */
  ended(error: Error): void;
}

/**
 * Keeps a client connected: dials, opens or resumes the session, runs the connection, and starts over after a pause if it is
 * lost. If the runtime no longer has the session, a new one follows (R-6.3-19).
 *
 * 1. One loop, {@link run}, makes all attempts; nothing else dials.
 * 2. Every change of state goes through `#enter`, which cancels the timers of the previous state.
 * 3. After `closed` nothing is handed on, sent or dialled.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #user: LinkUser;
  readonly #online = Promise.withResolvers<Session>();
  readonly #over = Promise.withResolvers<void>();
  readonly states: StateChanges<ConnectionState>;
  #state: LinkState;
  #session: Session | undefined;
  /** Whether it was ever online. */
  #isOpen = false;
  #failures = 0;

  constructor(options: LinkOptions, user: LinkUser) {
    this.#options = options;
    this.#user = user;
    this.#session = options.restored;
    this.#state = this.#connecting();
    this.states = new StateChanges(publicState(this.#state));
    this.#online.promise.catch(() => {});
  }

  /** Why requests are no longer possible; undefined while they are, connected or not. */
  get refusal(): Error | undefined {
    if (this.#state.kind === "closed") return this.#state.error;
    return this.#state.kind === "closing" ? closed() : undefined;
  }

  /** Resolves once the link is down for good. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** The current session; undefined while there is none. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Starts the link. @returns the session; rejects if the first attempt fails */
  open(): Promise<Session> {
    void this.over.then(onNetworkChange(() => this.nudge()));
    // Only a bug makes it reject. End the link then, so that callers do not wait for ever.
    this.#run().catch((bug: unknown) => this.end(asError(bug)));
    return this.#online.promise;
  }

  /**
   * Sends a frame if there is a connection with room. Otherwise, whatever matters is sent once there is (see `drained`).
   *
   * @returns whether it was sent
   */
  send(frame: string): boolean {
    if (this.#state.kind !== "online" || !this.#state.connection.hasRoom) return false;
    this.#state.connection.send(frame);
    return true;
  }

  /** Reacts to a possible change of the network: ends a pause between attempts, or checks whether the peer is still there. */
  nudge(): void {
    this.#failures = 0;
    if (this.#state.kind === "retrying") this.#state.wake();
    if (this.#state.kind === "online") this.#state.connection.check();
  }

  /** Gives the current connection up, so that another one replaces it. */
  giveUp(fault: LinkError): void {
    if (this.#state.kind === "online") this.#state.connection.giveUp(fault);
  }

  /** Says goodbye, waits at most a second for the reply, and closes. Never rejects. */
  close(reason: string | undefined): Promise<void> {
    const session = this.#session;
    if (this.#state.kind === "online" && session !== undefined) {
      const { connection } = this.#state;
      // Until it has begun, a goodbye would void the token that is persisted, with which another process may resume the session.
      if (session.dialect.farewell === "silence" || !connection.hasBegun) {
        connection.giveUp(closed());
        this.end(closed());
        return this.over;
      }
      const { clock } = this.#options;
      const over = (): void => this.end(closed());
      const farewell = new Farewell({ connection, session, clock, over });
      this.#enter({ kind: "closing", connection, farewell });
      farewell.say(reason);
    } else if (this.#state.kind !== "closing") {
      this.end(closed());
    }
    return this.over;
  }

  /** Ends the link at once. Only the first call counts. */
  end(error: Error): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    this.#enter({ kind: "closed", error });
    if (state.kind === "connecting") state.abort.abort(error);
    if ("connection" in state) state.connection.abandon();
    this.states.end();
    this.#options.keeper?.stop(error);
    this.#user.ended(error);
    this.#online.reject(error);
    this.#over.resolve();
  }

  async #run(): Promise<void> {
    for (;;) {
      const error = await this.#attempt();
      if (this.refusal !== undefined) return this.end(this.refusal);
      let failures = this.#failures;
      if (this.#session !== undefined && hasExpired(error)) {
        // A new session is next. A runtime that refused a resume is reachable, so there is no need to back off.
        this.#session = undefined;
        if (this.#state.kind === "connecting") failures = 0;
      } else if (isFinal(error) || !this.#isOpen) return this.end(this.#explain(error));
      const { state, over } = retrying(this.#options.clock, pauseBefore(failures), error);
      this.#enter(state);
      await over;
      // Ended during the pause?
      if (this.#state !== state) return;
      this.#failures += 1;
      this.#enter(this.#connecting());
    }
  }

  /** Makes one connection and runs it to its end. @returns how it ended */
  async #attempt(): Promise<LinkError> {
    const state = this.#state;
    if (state.kind !== "connecting") return closed();
    const { signal } = state.abort;
    const { dial, introduction, clock, handshakeTimeout: checkTimeout, keeper } = this.#options;
    const opening = new Opening(introduction, this.#session);
    let opened: Opened;
    try {
      opened = await openConnection(dial, opening, clock, signal);
    } catch (thrown) {
      return opening.outcome(asError(thrown));
    }
    const former = this.#session;
    const token = former?.token;
    const session = signal.aborted
      ? asError(signal.reason)
      : welcomed(opened.welcome, introduction.features, former);
    if (session instanceof Error) {
      opened.transport.close("normal");
      return opening.outcome(session);
    }
    this.#session = session;
    const { position } = session;
    const since = clock.monotonic();
    const received = (message: Decoded, size: number): boolean =>
      (this.#state.kind === "closing" && this.#state.farewell.takeRefusal(message)) ||
      this.#user.received(message, size);
    const drained = (): void => this.#user.drained();
    const connection = new Connection({
      opened,
      session,
      isResumed: former !== undefined,
      clock,
      checkTimeout,
      keeper,
      received,
      drained,
    });
    this.#user.connected(session);
    this.#enter({ kind: "online", connection });
    const ended = handled(connection.run());
    if (keeper !== undefined) {
      // The first request on the connection voids the previous token (R-6.3-7), so it waits until the new one is persisted.
      const end = await Promise.race([keeper.keep(), ended]).catch(asError);
      if (end instanceof Error) {
        connection.abandon();
        // Unless a sign of life (R-6.4-2) was first, the token that is persisted is still the one to use.
        if (token !== undefined && !connection.hasSpoken) session.renew(token);
        return end;
      }
    }
    connection.begin();
    this.#isOpen = true;
    this.#online.resolve(session);
    const end = await ended;
    // A connection that made progress does not count as another failure in a row.
    if (session.position > position || clock.monotonic() - since >= MAX_PAUSE) this.#failures = 0;
    return end;
  }

  /** The error that handles get. If a server refused the attempt itself, its own error already says why. */
  #explain(error: LinkError): LinkError {
    return this.#state.kind === "online" ? explain(error) : error;
  }

  #connecting(): LinkState {
    const { clock, handshakeTimeout } = this.#options;
    const late = new LocalError("REQUEST_TIMEOUT", `no welcome within ${handshakeTimeout} ms`);
    return connecting(clock, handshakeTimeout, late);
  }

  #enter(state: LinkState): void {
    const before = this.#state;
    this.#state = state;
    leave(before);
    this.states.set(publicState(state));
  }
}
